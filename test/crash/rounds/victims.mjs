/** Ending processes of one installation without notice, and bringing them back: only those that it recorded as its own. */
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { assertPortFree, readiness, startAppliance } from '../../../apps/bootstrap/src/appliance.mjs';
import { plainEnvironment, until } from '../../../apps/bootstrap/src/command.mjs';
import {
  assertAlive,
  forgetDaemon,
  runningDaemon,
  startDaemon,
  startTimeOf,
} from '../../../apps/bootstrap/src/daemons.mjs';
import { addresses } from '../../../apps/bootstrap/src/evaluation-files.mjs';
import { inRepository, pinnedNode } from '../../../apps/bootstrap/src/paths.mjs';
import { startPostgres } from '../../../apps/bootstrap/src/postgres.mjs';
import { programEnvironment } from '../../../apps/bootstrap/src/programs.mjs';
import { startRedis } from '../../../apps/bootstrap/src/redis.mjs';
import { engines, findState } from '../../../apps/bootstrap/src/state.mjs';

/**
 * @typedef {import('../../../apps/bootstrap/src/state.mjs').State} State
 * @typedef {'appliance' | 'replica' | 'postgres' | 'redis'} Daemon `replica`: the second appliance on the same database and token
 */

export class Victims {
  #state;
  /** @type {number | undefined} */
  #replicaPort;

  /** @param {string} stateDir */
  constructor(stateDir) {
    const state = findState(stateDir);
    if (state === undefined) throw new Error(`no installation in ${stateDir}`);
    this.#state = state;
  }

  get state() {
    return this.#state;
  }

  /** @param {Daemon} name @returns {number | undefined} */
  pid(name) {
    return runningDaemon(this.#state.layout.daemons, name)?.pid;
  }

  /** Holders of the kernel's lock of the online token. @returns {number[]} */
  agents() {
    const lock = join(this.#state.record.runtimeDir, 'hsm-online.sock.lock');
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === lock);
        } catch {
          return false;
        }
      })
      .map(Number);
  }

  /** @param {Daemon | 'agent'} victim */
  async kill(victim) {
    const pids = victim === 'agent' ? this.agents() : [this.pid(victim)];
    if (pids.length === 0 || pids.includes(undefined)) throw new Error(`${victim} does not run`);
    // Immediate shutdown is SIGQUIT: no checkpoint, every session cut; the next start recovers from the WAL.
    for (const pid of pids)
      if (pid !== undefined) await ended(pid, victim === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    if (victim === 'agent') return;
    forgetDaemon(this.#state.layout.daemons, victim);
    // Its first thread is gone before the last one has let go of the port.
    const port =
      victim === 'appliance' ? this.#state.record.port : victim === 'replica' ? this.#replicaPort : undefined;
    if (port === undefined) return;
    for (const address of addresses)
      await until(`the port of ${address}`, 10_000, () => portFree(address, port));
  }

  /** Stops a process where it stands, for a while. @param {Daemon | 'agent'} victim @param {number} ms */
  async freeze(victim, ms) {
    const pids = victim === 'agent' ? this.agents() : [this.pid(victim)].filter((pid) => pid !== undefined);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    try {
      await new Promise((done) => setTimeout(done, ms));
    } finally {
      for (const pid of pids) if (startTimeOf(pid) !== undefined) process.kill(pid, 'SIGCONT');
    }
  }

  async startPostgres() {
    await startPostgres(engines(this.#state).postgres);
  }

  async startRedis() {
    await startRedis(engines(this.#state).redis);
  }

  /** The product's own program, as `npm run up` starts it. */
  async startAppliance() {
    await startAppliance(this.#state);
  }

  /** The appliance with barriers. @param {string} control socket of the test */
  async startWithBarriers(control) {
    const { settings } = this.#state.layout;
    const program = inRepository('test', 'crash', 'rounds', 'appliance-with-barriers.mjs');
    await this.#start('appliance', [program, '--control', control, '--settings', settings], this.#state);
  }

  /** The second appliance, the product's own program again. @param {string} settings @param {number} port */
  async startReplica(settings, port) {
    this.#replicaPort = port;
    const program = inRepository('dist', 'apps', 'appliance', 'src', 'main.js');
    const { record } = this.#state;
    await this.#start('replica', [program, '--settings', settings], {
      ...this.#state,
      record: { ...record, port },
    });
  }

  /** @param {Daemon} name @param {string[]} args @param {State} reached */
  async #start(name, args, reached) {
    const { layout } = this.#state;
    const log = join(layout.logs, `${name}.log`);
    const env = { ...programEnvironment(plainEnvironment()), NODE_ENV: 'production' };
    const record = startDaemon(layout.daemons, name, { program: pinnedNode, args, log, env });
    await until(`the ${name}`, 90_000, async () => {
      assertAlive(record, log);
      return (await readiness(reached)).ready;
    });
  }

  /** Until the appliance calls itself ready; it may not have ended meanwhile. */
  async ready() {
    let last = '';
    try {
      await until('the appliance to recover', 90_000, async () => {
        if (this.pid('appliance') === undefined) throw new Error('the appliance ended by itself');
        const { ready, text } = await readiness(this.#state);
        last = text;
        return ready;
      });
    } catch (cause) {
      throw new Error(`the appliance did not recover: ${last.slice(0, 800)}`, { cause });
    }
  }
}

/** @param {number} pid @param {NodeJS.Signals} signal */
async function ended(pid, signal) {
  const started = startTimeOf(pid);
  if (started === undefined) return;
  process.kill(pid, signal);
  await until(`the end of ${pid}`, 30_000, () => startTimeOf(pid) !== started);
}

/** @param {string} address @param {number} port */
function portFree(address, port) {
  return assertPortFree(address, port).then(
    () => true,
    () => false,
  );
}
