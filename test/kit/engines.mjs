/**
 * PostgreSQL and Redis for tests, by the same code that `npm run up` uses, in a directory under /tmp.
 *
 * One cluster serves a whole run; each test makes a database of its own from a template. Durability against
 * a crash of the machine is off: a killed process loses nothing, which is all a test can provoke.
 */
import { existsSync, mkdirSync, mkdtempSync, chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createCluster, createDatabase, ownerRole, postgresPort, runtimeRole, startPostgres, stopPostgres } from '../../apps/bootstrap/src/postgres.mjs';
import { redisSocketOf, startRedis, stopRedis } from '../../apps/bootstrap/src/redis.mjs';
import { readJson, removeTree, writeWhole } from '../../apps/bootstrap/src/files.mjs';

export const template = 'airseal_template';

/** @returns {Promise<string>} path of the description */
export async function startKit() {
  // Short on purpose: a Unix socket's path ends at 107 octets.
  const directory = mkdtempSync('/tmp/airseal-kit-');
  chmodSync(directory, 0o711);
  const place = kitPlace(directory);
  mkdirSync(place.logs);
  mkdirSync(place.tokens);
  try {
    await createCluster(place);
    await Promise.all([startPostgres(place), startRedis({ ...place, directory: join(directory, 'redis') })]);
    await createDatabase(place, template);
  } catch (cause) {
    await stopEngines(directory);
    throw cause;
  }
  const description = join(directory, 'kit.json');
  writeWhole(
    description,
    JSON.stringify({
      directory,
      tokens: place.tokens,
      database: { host: directory, port: postgresPort, ownerUser: ownerRole, runtimeUser: runtimeRole, template },
      redis: { socket: redisSocketOf(place) },
    }),
    0o600,
  );
  return description;
}

/** @param {string} description */
export async function stopKit(description) {
  const { directory } = readJson(description);
  await stopEngines(directory);
  removeTree(directory);
}

/** @param {string} directory */
async function stopEngines(directory) {
  const place = kitPlace(directory);
  // Clusters that a spec made for itself and, since it failed, did not end.
  const left = existsSync(place.clusters) ? readdirSync(place.clusters) : [];
  const clusters = left.map((name) => stopPostgres({ ...place, daemons: join(place.clusters, name, 'daemons') }));
  await Promise.all([stopPostgres(place), stopRedis(place), ...clusters]);
}

/** @param {string} directory */
export function kitPlace(directory) {
  return {
    directory: join(directory, 'postgres'),
    runtime: directory,
    daemons: join(directory, 'daemons'),
    logs: join(directory, 'logs'),
    tokens: join(directory, 'tokens'),
    clusters: join(directory, 'clusters'),
    disposable: true,
  };
}
