/** Everything that an installation does once it is installed, in the order in which its people would. */
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { dirname, join } from 'node:path';
import { createHash } from 'node:crypto';
import { startAppliance, stopAppliance } from '../../apps/bootstrap/src/appliance.mjs';
import { airseal } from '../../apps/bootstrap/src/airseal-command.mjs';
import { openState } from '../../apps/bootstrap/src/state.mjs';
import { bringUp, takeDown } from '../kit/bring-up.mjs';

/** How a pass ends that somebody interrupted, with nothing left behind. */
export const INTERRUPTED = 130;

/** @param {(line: string) => void} done is called with each thing that was done */
export async function useInstallation(done) {
  const made = bringUp();
  const remove = async () => {
    // Who is interrupted while it is being made waits until it is, or has failed and cleaned up after itself.
    const description = await made.catch(() => undefined);
    if (description !== undefined) await takeDown(description);
  };
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      interrupted = true;
      void remove().finally(() => process.exit(INTERRUPTED));
    });
  }
  try {
    const description = await made;
    if (!interrupted) await use(description, done);
  } finally {
    // The interrupted one removes what it made, and exits by itself.
    if (interrupted) await new Promise(() => undefined);
    await remove();
  }
}

async function use(description, done) {
  const site = JSON.parse(readFileSync(description, 'utf8'));
  const state = openState(site.stateDir);
  const run = (...words) => airseal(state, words);
  const json = async (...words) => JSON.parse(await run(...words, '--output', 'json'));
  done('installed: PostgreSQL, Redis, token, genesis, appliance, and a first file signed and verified');

  const file = join(dirname(description), 'artifact.txt');
  writeFileSync(file, `sealed ${Date.now()}\n`);
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
  const signer = [
    '--certificate-identity',
    site.identity,
    '--certificate-oidc-issuer',
    `${site.origin}/oidc`,
  ];
  await run('sign-blob', '--credentials', site.credentials, file);
  await run('verify-blob', ...signer, file);
  done('signed and verified a file');

  const predicate = join(dirname(description), 'predicate.json');
  writeFileSync(predicate, '{"built":"here"}\n');
  const bundle = join(dirname(description), 'attestation.json');
  await run(
    'attest-blob',
    '--credentials',
    site.credentials,
    '--predicate',
    predicate,
    '--type',
    'custom',
    '--bundle',
    bundle,
    file,
  );
  await run('verify-blob-attestation', ...signer, '--type', 'custom', '--bundle', bundle, file);
  done('signed and verified a statement about it');

  const found = await run('search', '--subject', `sha256:${digest}`, '--output', 'json');
  if (!found.includes(site.identity) && !/"hits":\s*\[\s*\{/.test(found))
    throw new Error(`the search found nothing: ${found.slice(0, 400)}`);
  done('searched the log for it');

  const stamp = await ask(
    site,
    '/api/v1/timestamp',
    JSON.stringify({
      artifactHash: Buffer.from(digest, 'hex').toString('base64'),
      hashAlgorithm: 'sha256',
      certificates: true,
    }),
  );
  if (![200, 201].includes(stamp.status) || stamp.body.length < 500)
    throw new Error(`no timestamp: ${stamp.status}`);
  done('had it timestamped');

  const boundaries = await run('log', 'boundaries', '--output', 'json');
  if (!boundaries.includes('checkpoint') && !boundaries.includes('due'))
    throw new Error(`no boundary: ${boundaries.slice(0, 400)}`);
  done('verified the boundary checkpoints');

  // At more than half of their lives the online roles are signed again, at every start; couriers who come more seldom
  // make those lives longer, and what genesis signed is past the half.
  const before = versions(state);
  writeFileSync(
    state.layout.instance,
    readFileSync(state.layout.instance, 'utf8').replace(/^courierInterval: .*$/m, 'courierInterval: 300d'),
  );
  await stopAppliance(state);
  await startAppliance(state);
  const after = versions(state);
  if (!(after.timestamp > before.timestamp && after.snapshot > before.snapshot))
    throw new Error(`the online roles were not signed again: ${JSON.stringify({ before, after })}`);
  done('restarted; the online roles of TUF were signed again');

  await run('verify-blob', ...signer, file);
  await run(
    'sign-blob',
    '--credentials',
    site.credentials,
    '--bundle',
    join(dirname(description), 'again.json'),
    file,
  );
  const { note } = await json('log', 'checkpoint');
  if (typeof note !== 'string') throw new Error('no checkpoint after the restart');
  done('signed and verified after the restart, under a verified checkpoint');
}

function versions(state) {
  const timestamp = JSON.parse(readFileSync(join(state.layout.root, 'tuf', 'timestamp.json'), 'utf8')).signed;
  return { timestamp: timestamp.version, snapshot: timestamp.meta['snapshot.json'].version };
}

function ask({ origin, caFile }, path, body) {
  return new Promise((settle, reject) => {
    const call = request(
      `${origin}${path}`,
      { method: 'POST', ca: readFileSync(caFile), headers: { 'content-type': 'application/json' } },
      (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => settle({ status: answer.statusCode, body: Buffer.concat(chunks) }));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}
