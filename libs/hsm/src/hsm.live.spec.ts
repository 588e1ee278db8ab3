import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFault } from '#core/fault';
import { Metrics } from '#platform';
import { freshToken } from '../../../test/kit/kit.js';
import { FRAME, formatFrame, FrameReader, parseFaultBody } from './frames.js';
import { Hsm, type HsmOptions } from './hsm.js';
import { trialMessage } from './purpose.js';
import { signerContract } from './signer.contract.js';
import type { KeyAlgorithm } from './signer.js';
import type { TokenSettings } from './token-settings.js';

const message = trialMessage('a checkpoint');
let runtimeDir: string;
let online: TokenSettings;
const opened: Hsm[] = [];

async function open(options: Partial<HsmOptions> = {}): Promise<Hsm> {
  const hsm = await Hsm.open({ tokens: { online }, runtimeDir, ...options });
  opened.push(hsm);
  return hsm;
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
  return 'nothing was refused';
}

/** The agent as the lock's holder: the process that has the socket open. */
function agentPid(): number {
  const lines = readFileSync(join(runtimeDir, 'hsm-online.sock.log'), 'utf8').trim().split('\n');
  const started = lines.map((line) => JSON.parse(line) as { pid: number; message: string });
  const pid = started.findLast((line) => line.message === 'agent listening')?.pid;
  // Number 0 would be everybody beside us.
  if (pid === undefined) throw new Error('no agent ever came up');
  return pid;
}

beforeAll(async () => {
  runtimeDir = mkdtempSync(join(tmpdir(), 'hsm-'));
  online = await freshToken('airseal-online');
});

afterAll(async () => {
  await Promise.all(opened.map((hsm) => hsm.close()));
  // The agents leave by themselves a few seconds after us, and may still hold files here.
  rmSync(runtimeDir, { recursive: true, force: true });
});

describe('on SoftHSM', () => {
  const algorithms: readonly KeyAlgorithm[] = [
    'ecdsa-p256-sha256',
    'ecdsa-p384-sha384',
    'rsa-2048-sha256',
    'rsa-3072-sha256',
    'ed25519',
  ];
  signerContract(algorithms, async (algorithm) => {
    const hsm = await open();
    const label = `contract-${algorithm}`;
    const { keys } = await hsm.inventory('online');
    const uri = `pkcs11:token=airseal-online;object=${label}`;
    if (!keys.some((key) => key.uri === uri)) await hsm.generate('online', { label, algorithm });
    return await hsm.signer(uri, 'trial');
  });
});

describe('a generated key', () => {
  test('reads back every attribute that was asked for', async () => {
    const hsm = await open();
    const id = new Uint8Array(16).fill(9);
    const key = await hsm.generate('online', { label: 'ct-2026-1', algorithm: 'ecdsa-p256-sha256', id });
    expect(key.uri).toBe('pkcs11:token=airseal-online;object=ct-2026-1');
    expect(key.id).toEqual(id);
    expect(key.report.holds).toBe(true);
    expect(key.report.rows.filter((row) => row.verdict !== 'pass')).toEqual([]);
    expect(await hsm.publicKey(key.uri)).toEqual(key.spki);
    expect((await hsm.adopt(key.uri)).spki).toEqual(key.spki);
  });

  test('is not made twice under one label', async () => {
    const hsm = await open();
    expect(
      await refusal(hsm.generate('online', { label: 'ct-2026-1', algorithm: 'ecdsa-p256-sha256' })),
    ).toBe('hsm/label-taken');
  });

  test('can ask for the PIN at each signature', async () => {
    const hsm = await open();
    const { uri, report } = await hsm.generate('online', {
      label: 'careful',
      algorithm: 'ecdsa-p384-sha384',
      alwaysAuthenticate: true,
    });
    expect(report.rows).toContainEqual(
      expect.objectContaining({ check: 'CKA_ALWAYS_AUTHENTICATE', verdict: 'pass' }),
    );
    const signer = await hsm.signer(uri, 'trial');
    await Promise.all([signer.sign(message), signer.sign(message), signer.sign(message)]);
  });

  test('is destroyed by its own label alone', async () => {
    const hsm = await open();
    const { uri } = await hsm.generate('online', { label: 'short-lived', algorithm: 'ecdsa-p256-sha256' });
    expect(await refusal(hsm.destroy(uri, 'another'))).toBe('hsm/destroy');
    await hsm.destroy(uri, 'short-lived');
    expect(await refusal(hsm.signer(uri, 'trial'))).toBe('hsm/key-absent');
    await hsm.generate('online', { label: 'short-lived', algorithm: 'ecdsa-p256-sha256' });
  });
});

describe('a key that is looked for', () => {
  test('must exist', async () => {
    expect(await refusal((await open()).signer('pkcs11:token=airseal-online;object=nobody', 'trial'))).toBe(
      'hsm/key-absent',
    );
    expect(await refusal((await open()).signer('pkcs11:token=elsewhere;object=ct-2026-1', 'trial'))).toBe(
      'hsm/token-unknown',
    );
    expect(await refusal((await open()).signer('pkcs11:token=airseal-online', 'trial'))).toBe('hsm/uri');
  });

  test('must be the one that the ceremony made', async () => {
    const hsm = await open();
    const uri = 'pkcs11:token=airseal-online;object=ct-2026-1';
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
      format: 'der',
      type: 'spki',
    });
    expect(await refusal(hsm.signer(uri, 'trial', { spki: new Uint8Array(other) }))).toBe(
      'hsm/key-unexpected',
    );
    expect(await refusal(hsm.signer(uri, 'trial', { algorithm: 'ed25519' }))).toBe('hsm/key-unexpected');
  });

  test('must never have been outside', async () => {
    const hsm = await open();
    const imported = join(runtimeDir, 'imported.pem');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(imported, privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const pin = readFileSync(online.pinSource, 'utf8').trim();
    const words = [
      '--import',
      imported,
      '--token',
      'airseal-online',
      '--label',
      'imported',
      '--id',
      '0a0b',
      '--pin',
      pin,
    ];
    execFileSync('softhsm2-util', words, { env: { ...process.env, ...online.environment } });
    const uri = 'pkcs11:token=airseal-online;object=imported';
    // SoftHSM notices objects of other processes when it looks for them.
    expect(await refusal(hsm.signer(uri, 'trial'))).toBe('hsm/attributes');
    expect(await refusal(hsm.adopt(uri))).toBe('hsm/attributes');
    const { keys } = await hsm.inventory('online');
    expect(keys.find((key) => key.uri === uri)?.report.holds).toBe(false);
    expect(createPublicKey(privateKey).asymmetricKeyType).toBe('ec');
  });
});

describe('the agent', () => {
  test('is one for all processes of the host, behind a socket that others cannot open', async () => {
    const [first, second] = await Promise.all([open(), open()]);
    await Promise.all([first.token('online'), second.token('online')]);
    expect(statSync(join(runtimeDir, 'hsm-online.sock')).mode & 0o777).toBe(0o600);
    const pid = agentPid();
    const third = await open();
    await third.token('online');
    expect(agentPid()).toBe(pid);
  });

  test('has a PIN neither in its arguments nor in its environment, log or core files', async () => {
    await (await open()).token('online');
    const pin = readFileSync(online.pinSource, 'utf8').trim();
    const pid = agentPid();
    for (const file of ['cmdline', 'environ'])
      expect(readFileSync(`/proc/${pid}/${file}`, 'latin1')).not.toContain(pin);
    expect(readFileSync(`/proc/${pid}/limits`, 'latin1')).toMatch(/Max core file size\s+0\s/);
    expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain('AIRSEAL_KIT');
    for (const name of readdirSync(runtimeDir).filter((file) => !file.endsWith('.sock'))) {
      expect(readFileSync(join(runtimeDir, name), 'latin1')).not.toContain(pin);
    }
  });

  test('answers nonsense at once, and goes on', async () => {
    const hsm = await open();
    await hsm.token('online');
    const call = (body: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(join(runtimeDir, 'hsm-online.sock'));
        const reader = new FrameReader();
        socket.on('error', reject);
        socket.on('data', (chunk) => {
          for (const frame of reader.read(chunk)) {
            socket.destroy();
            resolve(parseFaultBody(frame.body).code);
          }
        });
        socket.write(formatFrame(1, FRAME.call, Buffer.from(body)));
      });
    for (const body of ['{', 'null', '[]', '{"operation":"__proto__","asks":{}}'])
      expect(await call(body)).toBe('hsm/frame');
    for (const length of [0, -1, 1.5, 2_000_000_000]) {
      expect(await call(JSON.stringify({ operation: 'random', asks: { length } }))).toBe('hsm/frame');
    }
    expect(await hsm.random('online', 8)).toHaveLength(8);
  });

  test('killed: requests under way are refused as unavailable, the next ones are served', async () => {
    const hsm = await open();
    const signer = await hsm.signer('pkcs11:token=airseal-online;object=ct-2026-1', 'trial');
    await signer.sign(message);
    const underWay = Array.from({ length: 200 }, () => signer.sign(message));
    // Sent, and surely not all answered.
    await new Promise((resolve) => setImmediate(resolve));
    const killed = performance.now();
    process.kill(agentPid(), 'SIGKILL');
    const ends = await Promise.allSettled(underWay);
    const rejected = ends.filter((end) => end.status === 'rejected');
    expect(rejected.length).toBeGreaterThan(0);
    for (const { reason } of rejected)
      expect(reason).toMatchObject({ kind: 'unavailable', code: 'hsm/agent-lost' });
    await signer.sign(message);
    // Some 60 ms compiled and on a quiet machine; here types are stripped and others compete.
    expect(performance.now() - killed).toBeLessThan(3000);
  });

  test('started with other settings for the same token is not used', async () => {
    await (await open()).token('online');
    const other = { ...online, environment: { ...online.environment, OTHER: '1' } };
    const hsm = await open({ tokens: { online: other } });
    expect(await refusal(hsm.token('online'))).toBe('hsm/agent-differs');
  }, 30_000);
});

describe('a wrong PIN', () => {
  test('is tried once, and again only when its source has changed', async () => {
    const token = await freshToken('airseal-root');
    const pin = readFileSync(token.pinSource, 'utf8');
    writeFileSync(token.pinSource, 'not-the-pin\n');
    const hsm = await open({ tokens: { root: token } });
    expect(await refusal(hsm.token('root'))).toBe('hsm/pin-incorrect');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await refusal(hsm.token('root'))).toBe('hsm/pin-refused-before');
    writeFileSync(token.pinSource, pin);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await hsm.token('root')).pin).not.toBe('locked');
  });
});

describe('production mode', () => {
  test('refuses SoftHSM before any key is touched', async () => {
    const hsm = await open({ mode: 'production' });
    expect(await refusal(hsm.signer('pkcs11:token=airseal-online;object=ct-2026-1', 'trial'))).toBe(
      'hsm/not-eligible',
    );
    expect(await refusal(hsm.generate('online', { label: 'x', algorithm: 'ed25519' }))).toBe(
      'hsm/not-eligible',
    );
  });
});

describe('the doctor', () => {
  test('examines the token and leaves nothing in it', async () => {
    const hsm = await open();
    const before = await hsm.inventory('online');
    const report = await hsm.doctor('online');
    expect(report.healthy).toBe(true);
    expect(report.eligibleForProduction).toBe(false);
    expect(report.findings.map((finding) => finding.check)).toEqual(
      expect.arrayContaining(['wrong-PIN margin', 'ECDSA encoding', 'attributes', 'reconnect', 'ed25519']),
    );
    const after = await hsm.inventory('online');
    expect(after.keys.map((key) => key.uri)).toEqual(before.keys.map((key) => key.uri));
    expect(after.others).toEqual(before.others);
  });
});

describe('metrics', () => {
  test('tell signatures by key, and errors by return code', async () => {
    const metrics = new Metrics(false);
    const hsm = await open({ metrics });
    const signer = await hsm.signer('pkcs11:token=airseal-online;object=ct-2026-1', 'trial');
    await signer.sign(message);
    expect(await refusal(hsm.signer('pkcs11:token=airseal-online;object=nobody', 'trial'))).toBe(
      'hsm/key-absent',
    );
    const text = await metrics.format();
    expect(text).toContain('airseal_hsm_sign_duration_seconds_count{key="ct-2026-1"} 1');
    expect(text).toContain('airseal_hsm_errors_total{ckr="hsm/key-absent"} 1');
    expect(text).toContain('airseal_hsm_sessions');
  });
});
