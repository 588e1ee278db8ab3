/** Ending and starting processes of the installation, and only those it recorded as its own. */
import { readdirSync, readlinkSync } from 'node:fs';
import { assertPortFree, startAppliance } from '../../apps/bootstrap/src/appliance.mjs';
import { runningDaemon, startTimeOf } from '../../apps/bootstrap/src/daemons.mjs';
import { addresses } from '../../apps/bootstrap/src/evaluation-files.mjs';
import { findState, type State } from '../../apps/bootstrap/src/state.mjs';
import { installation } from '../kit/index.js';

function state(): State {
  const found = findState(installation().stateDir);
  if (found === undefined) throw new Error('no state directory');
  return found;
}

async function killed(pid: number): Promise<void> {
  const started = startTimeOf(pid);
  process.kill(pid, 'SIGKILL');
  while (startTimeOf(pid) === started && started !== undefined)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** No time to finish anything: SIGKILL. */
export async function killAppliance(): Promise<number> {
  const record = runningDaemon(state().layout.daemons, 'appliance');
  if (record === undefined) throw new Error('the appliance does not run');
  await killed(record.pid);
  // Its first thread is gone before the last one has let go of the port.
  for (const address of addresses) {
    for (let tries = 0; ; tries++) {
      try {
        await assertPortFree(address, installation().port);
        break;
      } catch (error) {
        if (tries === 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
  return record.pid;
}

/** As `npm run up` starts it, until it is ready. */
export function startAgain(): Promise<string> {
  return startAppliance(state());
}

/** The agent of the online token: the process that holds the kernel's lock beside its socket. */
export function agents(): number[] {
  const lock = `${installation().runtimeDir}/hsm-online.sock.lock`;
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

/** SIGKILL to each of them. */
export async function killAgents(): Promise<number[]> {
  const pids = agents();
  for (const pid of pids) await killed(pid);
  return pids;
}
