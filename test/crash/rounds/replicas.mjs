/**
 * Two appliances on one database and one token, asked by a client each, and killed one after the other.
 *
 * They share what an installation shares: tables, token, agent, journal and the directory of tiles. Each has doors of
 * its own. While one is down the other must go on answering, and what either has acknowledged is proved of the one log
 * that they keep. Certificates are asked of the first alone, since its address is the issuer's.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { addresses } from '../../../apps/bootstrap/src/evaluation-files.mjs';
import { stopDaemon } from '../../../apps/bootstrap/src/daemons.mjs';
import { Load } from './load.mjs';

const FIRST = { v1: 3, v2: 4, certificate: 1, timestamp: 2 };
const SECOND = { v1: 3, v2: 4, timestamp: 2 };

/**
 * @param {object} parts
 * @param {string} parts.installation
 * @param {string} parts.evidence
 * @param {import('./victims.mjs').Victims} parts.processes
 * @param {import('./prove.mjs').Prover} parts.prover
 * @param {import('./chance.mjs').Chance} parts.chance
 * @param {number} parts.times
 * @param {(text: string) => void} parts.say
 * @returns {Promise<number>} how often one was killed
 */
export async function crashReplicas({ installation, evidence, processes, prover, chance, times, say }) {
  const port = await freePort();
  const { settings } = processes.state.layout;
  const { description, settings: other } = describeSecond(installation, settings, evidence, port);
  await processes.startReplica(other, port);
  const directories = { appliance: join(evidence, 'first'), replica: join(evidence, 'second') };
  for (const directory of Object.values(directories)) mkdirSync(directory);
  const loads = {
    appliance: await Load.start(installation, directories.appliance, FIRST, 5),
    replica: await Load.start(description, directories.replica, SECOND, 5, installation),
  };
  const kinds = { appliance: Object.keys(FIRST), replica: Object.keys(SECOND) };
  try {
    for (let round = 1; round <= times; round++) {
      const victim = round % 2 === 1 ? 'appliance' : 'replica';
      const survivor = victim === 'appliance' ? 'replica' : 'appliance';
      for (const load of Object.values(loads)) load.run();
      for (const who of /** @type {const} */ (['appliance', 'replica']))
        await loads[who].acknowledges(kinds[who], await loads[who].count(), 30_000);
      await pause(chance.between(0, 400));
      await processes.kill(victim);
      // The one that is left answers everything, while the other is away.
      const alone = await loads[survivor].count();
      const after = await loads[survivor].acknowledges(kinds[survivor], alone, 30_000);
      if (victim === 'appliance') await processes.startAppliance();
      else await processes.startReplica(other, port);
      await loads[victim].acknowledges(kinds[victim], await loads[victim].count(), 60_000);
      for (const load of Object.values(loads)) await load.rest();
      const told = [directories.appliance, directories.replica].map((directory) =>
        sum(prover.take(directory)),
      );
      const proved = await prover.prove();
      say(
        `replicas ${round}/${times}  ${victim === 'appliance' ? 'the first' : 'the second'} killed: ${told[0]} and ${told[1]} acknowledged, ` +
          `${sum(after.acknowledged) - sum(alone.acknowledged)} by the other alone; ${proved.stored.heads} heads`,
      );
    }
  } finally {
    for (const load of Object.values(loads)) load.stop();
    await stopDaemon(processes.state.layout.daemons, 'replica', 'SIGTERM');
  }
  return times;
}

/** The same installation through other doors. @param {string} installation @param {string} path of the first's settings @param {string} evidence @param {number} port */
function describeSecond(installation, path, evidence, port) {
  const first = JSON.parse(readFileSync(installation, 'utf8'));
  const settings = parse(readFileSync(path, 'utf8'));
  settings.listen.public = addresses.map((address) => ({ address, port }));
  settings.listen.admin.socket = join(first.runtimeDir, 'admin-second.sock');
  const names = { settings: join(evidence, 'second.yaml'), description: join(evidence, 'second.json') };
  writeFileSync(names.settings, stringify(settings), { mode: 0o600 });
  const [origin, shardOrigin] = addresses.map((address) => `https://${address}:${port}`);
  writeFileSync(
    names.description,
    JSON.stringify({ ...first, origin, shardOrigin, settings: names.settings, port }),
  );
  return names;
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((settle, fail) => {
    const server = createServer();
    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? settle(address.port) : fail(new Error('no port')),
      );
    });
  });
}

/** @param {Record<string, number>} counts */
const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);

/** @param {number} ms */
function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
