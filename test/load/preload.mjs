/**
 * Fills both logs through the engine's own append path, so that what is measured on top is what would be there.
 *
 * The appliance is ended meanwhile: this process is then the one replica, with the appliance's own settings, database
 * and token. Only what a worker thread would have checked is left out; bodies are an acknowledged entry's, with a
 * digest and a signature of random octets, so that sizes are right and every leaf is another one.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { fromBase64, fromUtf8, toUtf8 } from '#core/octets';
import { Hsm } from '#hsm';
import { openV1Log, openV2Log } from '#log';
import { createLogger, loadSettings, Metrics, systemClock } from '#platform';
import { Trees } from '#tree';
import { startAppliance, stopAppliance } from '../../apps/bootstrap/src/appliance.mjs';
import { openState } from '../../apps/bootstrap/src/state.mjs';
import { closedLoop, withConnections } from './drive.mjs';
import { appendsV1 } from './requests/appends-v1.mjs';
import { appendsV2 } from './requests/appends-v2.mjs';
import { makeSigners } from './requests/signers.mjs';

/** Appends under way at once. */
const AT_ONCE = 2048;

/** @param {import('./site.mjs').Site} site @param {number} leaves @returns {Promise<{ v1: number, v2: number }>} leaves a second */
export async function preload(site, leaves) {
  const samples = await sampleBodies(site);
  const state = openState(site.stateDir, undefined);
  await stopAppliance(state);
  const settings = loadSettings(state.layout.settings);
  const { host, port, name, runtimeUser } = settings.database;
  const pool = new pg.Pool({ host, port, database: name, user: runtimeUser, max: 8 });
  const hsm = await Hsm.open({ tokens: settings.hsm.tokens, runtimeDir: settings.runtimeDir, mode: settings.mode });
  const logger = createLogger({ log: { level: 'error' }, mode: settings.mode });
  const metrics = new Metrics(false);
  const trees = new Trees({ pool, directory: `${site.stateDir}/tiles`, clock: systemClock, logger, metrics });
  const checker = { check: () => Promise.reject(new Error('nothing is checked here')), close: () => Promise.resolve() };
  const parts = { trees, hsm, pool, material: site.material, checker, metrics };
  try {
    const v2 = (await openV2Log(parts)).shard(site.shardOrigin.hostname);
    const v2Rate = await fill(leaves, () => v2.tree.append({ body: another(samples.v2), kind: 'hashedrekord/0.0.2', searchKeys: keys() }));
    const v1 = await openV1Log(parts);
    const v1Rate = await fill(leaves, () =>
      v1.appendChecked({ kind: 'hashedrekord', version: '0.0.1', canonical: another(samples.v1), searchKeys: keys() }),
    );
    return { v1: v1Rate, v2: v2Rate };
  } finally {
    await trees.close();
    await pool.end();
    await hsm.close();
    await startAppliance(state);
  }
}

/** @param {number} leaves @param {() => Promise<unknown>} append */
async function fill(leaves, append) {
  const begun = performance.now();
  let left = leaves;
  const loop = async () => {
    while (left-- > 0) await append();
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, leaves) }, loop));
  return leaves / ((performance.now() - begun) / 1000);
}

/** Three, as a signer with a certificate has: key, identity, artifact. */
function keys() {
  return [`key ${randomBytes(8).toString('hex')}`, `artifact ${randomBytes(8).toString('hex')}`, 'builder'];
}

/** @param {import('./site.mjs').Site} site canonical bodies as the doors made them */
async function sampleBodies(site) {
  const signers = await makeSigners(site, 1);
  const one = async (/** @type {ReturnType<typeof appendsV1> | ReturnType<typeof appendsV2>} */ requests) => {
    const queue = await requests.prepare(1);
    const { answered, errors } = await withConnections(requests.url, site.ca, 1, (connections) => closedLoop(connections, queue, 10_000, requests.expected));
    const [first] = answered;
    if (first === undefined) throw new Error(errors[0]);
    return JSON.parse(first.answer.body.toString('utf8'));
  };
  const v1 = /** @type {{ body: string }} */ (Object.values(await one(appendsV1(site, signers)))[0]);
  return { v1: template(fromBase64(v1.body)), v2: template(fromBase64((await one(appendsV2(site, signers))).canonicalizedBody)) };
}

/** The parts of a body that differ between two entries, cut out. @param {Uint8Array} body */
function template(body) {
  const text = toUtf8(body);
  const entry = JSON.parse(text);
  const old = entry.spec.hashedRekordV002;
  const digest = old === undefined ? entry.spec.data.hash.value : old.data.digest;
  const signature = (old ?? entry.spec).signature.content;
  return { text, digest, signature, hex: old === undefined };
}

/** @param {ReturnType<typeof template>} from */
function another({ text, digest, signature, hex }) {
  const octets = randomBytes(32);
  return fromUtf8(
    text
      .replace(digest, hex ? octets.toString('hex') : octets.toString('base64'))
      .replace(signature, randomBytes(fromBase64(signature).length).toString('base64')),
  );
}
