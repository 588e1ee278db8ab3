/**
 * Fills both logs through the engine's own sequencer, so that what is measured on top is what would be there.
 *
 * The appliance is ended meanwhile: this process is then the one replica, with the appliance's own settings, database,
 * token and signing journal. Every leaf is deduplicated, hashed, indexed and committed as an append would be, and the
 * last head is signed and published; batches are larger, nobody waits for a proof of each leaf, and what a worker
 * thread would have checked is left out. Bodies are an acknowledged entry's, with a digest and a signature of random
 * octets, so that sizes are right and every leaf is another one. Signed entry timestamps of v1 are not made: the
 * appliance makes one when such an entry is first looked up, as it does after a crash.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { fromBase64, fromUtf8, toUtf8 } from '#core/octets';
import { Hsm, journalDirectory } from '#hsm';
import { openV1Log, openV2Log } from '#log';
import { createLogger, loadSettings, Metrics, systemClock } from '#platform';
import { Trees } from '#tree';
import { startAppliance, stopAppliance } from '../../apps/bootstrap/src/appliance.mjs';
import { openState } from '../../apps/bootstrap/src/state.mjs';
import { closedLoop, withConnections } from './drive.mjs';
import { appendsV1 } from './requests/appends-v1.mjs';
import { appendsV2 } from './requests/appends-v2.mjs';
import { makeSigners } from './requests/signers.mjs';

/** Larger than an appliance's, which has somebody waiting for each leaf. */
const BATCH = 2048;
/** One batch is being committed while the next one gathers. */
const AT_ONCE = 2 * BATCH;

/** @param {import('./site.mjs').Site} site @param {number} leaves @returns {Promise<{ v1: number, v2: number }>} leaves a second */
export async function preload(site, leaves) {
  const samples = await sampleBodies(site);
  const state = openState(site.stateDir, undefined);
  await stopAppliance(state);
  const settings = loadSettings(state.layout.settings);
  const { host, port, name, runtimeUser } = settings.database;
  const pool = new pg.Pool({ host, port, database: name, user: runtimeUser, max: 8 });
  const hsm = await Hsm.open({ tokens: settings.hsm.tokens, runtimeDir: settings.runtimeDir, mode: settings.mode, journalDir: journalDirectory(settings) });
  const logger = createLogger({ log: { level: 'error' }, mode: settings.mode });
  const metrics = new Metrics(false);
  const trees = new Trees({ pool, directory: `${site.stateDir}/tiles`, clock: systemClock, logger, metrics });
  const unasked = () => Promise.reject(new Error('nothing is checked here'));
  const checker = { check: unasked, lookUps: unasked, close: () => Promise.resolve() };
  /** @param {import('#tree').TreeSpec} spec */
  const open = (spec) => trees.open({ ...spec, maxBatch: BATCH, maxWaiting: AT_ONCE });
  const parts = { trees: /** @type {Trees} */ (/** @type {unknown} */ ({ open })), hsm, pool, material: site.material, checker, metrics };
  try {
    const v2 = (await openV2Log(parts)).shard(site.shardOrigin.hostname);
    const v2Rate = await fill(v2.tree, leaves, () => ({ body: another(samples.v2), kind: 'hashedrekord/0.0.2', searchKeys: keys() }));
    const { tree } = (await openV1Log(parts)).active;
    const v1Rate = await fill(tree, leaves, () => ({ body: another(samples.v1), kind: 'hashedrekord/0.0.1', searchKeys: keys() }));
    return { v1: v1Rate, v2: v2Rate };
  } finally {
    await trees.close();
    await pool.end();
    await hsm.close();
    await startAppliance(state);
  }
}

/**
 * Resolves to leaves a second, once the last of them stands under a published checkpoint.
 *
 * @param {import('#tree').Tree} tree @param {number} leaves @param {() => import('#tree').NewLeaf} make
 */
async function fill(tree, leaves, make) {
  const begun = performance.now();
  let left = leaves;
  const loop = async () => {
    while (left-- > 1) await tree.sequence(make());
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, leaves) }, loop));
  // The last one waits for a checkpoint, which covers all of them.
  await tree.append(make());
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
