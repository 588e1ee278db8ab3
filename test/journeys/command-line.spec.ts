/** The command line as pipelines use it: exit codes, one JSON object per line, and no connection where none is due. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { airseal, type CommandResult, installation } from '../kit/index.js';
import { repository } from '../house/files.js';

let directory: string;
let artifact: string;
let bundle: string;
let signer: readonly string[];

interface Bundle {
  verificationMaterial: Record<string, unknown>;
  messageSignature: Record<string, unknown>;
}

/** Writes the bundle with a change, and verifies the artifact against it. */
async function verifyChanged(change: (bundle: Bundle) => void): Promise<CommandResult> {
  const changed = JSON.parse(await readFile(bundle, 'utf8')) as Bundle;
  change(changed);
  const path = join(directory, 'changed.json');
  await writeFile(path, JSON.stringify(changed));
  return airseal('verify-blob', '--bundle', path, ...signer, artifact);
}

function run(
  program: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(program, [...words], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr });
    });
  });
}

beforeAll(async () => {
  const { credentials, identity, origin } = installation();
  directory = await mkdtemp(join(tmpdir(), 'airseal-cli-'));
  artifact = join(directory, 'release.txt');
  bundle = `${artifact}.sigstore.json`;
  signer = ['--certificate-identity', identity, '--certificate-oidc-issuer', `${origin}/oidc`];
  await writeFile(artifact, 'what was built\n');
  const signed = await airseal('sign-blob', '--credentials', credentials, artifact);
  if (signed.code !== 0) throw new Error(signed.stderr);
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe('verify-blob ends with', () => {
  test('0 when all holds, and says so in one JSON object where asked', async () => {
    const { code, stdout } = await airseal('verify-blob', ...signer, '--output', 'json', artifact);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      verified: true,
      identity: signer[1],
      networkCalls: 0,
    });
  });

  test('10 without a signature', async () => {
    const result = await verifyChanged(({ messageSignature }) => (messageSignature['signature'] = ''));
    expect(result).toMatchObject({ code: 10 });
  });

  test('12 for another signer, and 12 for another issuer', async () => {
    const [, identity = '', , issuer = ''] = signer;
    const asked = (who: string, by: string) =>
      airseal('verify-blob', '--certificate-identity', who, '--certificate-oidc-issuer', by, artifact);
    expect(await asked('somebody@else.example', issuer)).toMatchObject({ code: 12 });
    expect(await asked(identity, 'https://elsewhere.example')).toMatchObject({ code: 12 });
  });

  test('13 without a certificate', async () => {
    const result = await verifyChanged(({ verificationMaterial }) => {
      delete verificationMaterial['certificate'];
      verificationMaterial['publicKey'] = { hint: 'x' };
    });
    expect(result).toMatchObject({ code: 13 });
  });

  test('20 for what is no bundle, and for a command that is none', async () => {
    const path = join(directory, 'not-a-bundle.json');
    await writeFile(path, '{"mediaType":"application/octet-stream"}');
    expect(await airseal('verify-blob', '--bundle', path, ...signer, artifact)).toMatchObject({ code: 20 });
    expect(await airseal('verify-blob', '--no-such-flag', artifact)).toMatchObject({ code: 20 });
    expect(await airseal('verify-blob', artifact)).toMatchObject({ code: 20 });
  });

  test('21 for another artifact, and machines get the reason as JSON on standard error', async () => {
    const other = join(directory, 'other.txt');
    await writeFile(other, 'something else\n');
    const result = await airseal('verify-blob', '--bundle', bundle, ...signer, '--output', 'json', other);
    expect(result).toMatchObject({ code: 21, stdout: '' });
    expect(JSON.parse(result.stderr)).toMatchObject({ error: 'bundle/not-verified', kind: 'unverified' });
  });

  test('22 at the first attempt to connect', async () => {
    const hook = join(directory, 'connects.cjs');
    await writeFile(
      hook,
      `const fs = require('node:fs'), net = require('node:net'), read = fs.readFileSync;
       fs.readFileSync = (path, ...rest) => {
         if (path === ${JSON.stringify(artifact)}) net.connect(9, '127.0.0.1').on('error', () => undefined);
         return read(path, ...rest);
       };
       require('node:module').syncBuiltinESMExports();`,
    );
    const { node, commandLine, stateDir } = installation();
    const words = [commandLine, 'verify-blob', ...signer, artifact, '--state', stateDir];
    const result = await run(node, words, { ...process.env, NODE_OPTIONS: `--require=${hook}` });
    expect(result).toMatchObject({ code: 22, stdout: '' });
    expect(result.stderr).toContain('offline');
  });

  test('23 without a bundle', async () => {
    expect(
      await airseal('verify-blob', '--bundle', join(directory, 'none'), ...signer, artifact),
    ).toMatchObject({ code: 23 });
  });
});

describe('the launcher', () => {
  const launcher = join(repository, 'apps/airseal/airseal');
  const words = () => [
    'verify-blob',
    ...signer,
    '--output',
    'json',
    artifact,
    '--state',
    installation().stateDir,
  ];

  test('verifies from one file as the modules do, found through a link from anywhere', async () => {
    const link = join(directory, 'airseal');
    await run('ln', ['-s', launcher, link]);
    const result = await run(link, words());
    expect(result).toMatchObject({ code: 0 });
    expect(JSON.parse(result.stdout)).toEqual(JSON.parse((await airseal(...words())).stdout));
    expect(existsSync(join(repository, 'dist/apps/airseal/src/verify.bundle.cjs.bytecode'))).toBe(true);
  });

  test('ends with the same codes', async () => {
    const other = [...words()].map((word) => (word === signer[1] ? 'somebody@else.example' : word));
    expect((await run(launcher, other)).code).toBe(12);
    expect((await run(launcher, ['verify-blob', '--nonsense'])).code).toBe(20);
    expect((await run(launcher, ['hsm', 'list', '--state', directory])).code).toBe(23);
  });
});

describe('other verbs', () => {
  test('24: an existing file is not overwritten', async () => {
    const path = join(directory, 'taken.json');
    await writeFile(path, '{}');
    const result = await airseal('identity', 'add', 'taken@evaluation.example', '--credentials', path);
    expect(result).toMatchObject({ code: 24 });
    expect(await readFile(path, 'utf8')).toBe('{}');
  });

  test('25: no appliance answers', async () => {
    const settings = join(directory, 'airseal.yaml');
    const text = await readFile(installation().settings, 'utf8');
    await writeFile(settings, text.replace(installation().adminSocket, join(directory, 'none.sock')));
    const words = ['identity', 'add', 'x@evaluation.example', '--credentials', join(directory, 'new.json')];
    expect(await airseal(...words, '--settings', settings)).toMatchObject({ code: 25 });
  });

  test('a token is written to a file that its owner alone may read, and printed nowhere', async () => {
    const path = join(directory, 'token');
    const result = await airseal(
      'identity',
      'token',
      '--credentials',
      installation().credentials,
      '--token-file',
      path,
    );
    expect(result).toMatchObject({ code: 0 });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const token = await readFile(path, 'utf8');
    expect(result.stdout + result.stderr).not.toContain(token.slice(0, 20));
    const given = await airseal('sign-blob', '--identity-token', token, artifact);
    expect(given.code).toBe(22);
    expect(given.stderr).not.toContain(token.slice(0, 20));
  });

  test('config check accepts an evaluation, and refuses its names in production', async () => {
    expect(await airseal('config', 'check', '--output', 'json')).toMatchObject({ code: 0 });
    const [settings, instance] = [join(directory, 'production.yaml'), join(directory, 'instance.yaml')];
    await copyFile(join(installation().stateDir, 'instance.yaml'), instance);
    const production = (text: string) => text.replace(/^mode: .*$/m, 'mode: production');
    await writeFile(instance, production(await readFile(instance, 'utf8')));
    const text = production(await readFile(installation().settings, 'utf8'));
    await writeFile(settings, text.replace(/^instance: .*$/m, `instance: ${instance}`));
    const result = await airseal('config', 'check', '--settings', settings);
    expect(result).toMatchObject({ code: 22 });
    expect(result.stdout).toContain('REFUSED: an address cannot move');
  });

  test.each(['bash', 'zsh', 'fish'])('completion for %s parses, where that shell is', async (shell) => {
    const { code, stdout } = await airseal('completion', shell);
    expect(code).toBe(0);
    expect(stdout).toContain('verify-blob-attestation');
    const script = join(directory, `completion.${shell}`);
    await writeFile(script, stdout);
    if ((await run('which', [shell])).code === 0)
      expect(await run(shell, ['-n', script])).toMatchObject({ code: 0, stderr: '' });
  });
});
