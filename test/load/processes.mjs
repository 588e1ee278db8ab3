/** Processes of one installation: what they use of processor and memory, as the kernel counts it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Linux counts processor time in hundredths of a second, whatever its configuration (USER_HZ). */
const TICK_US = 10_000;

/** @typedef {Record<'appliance' | 'agents' | 'postgres' | 'redis', number[]>} Processes */

/** @param {string} stateDir @returns {Processes} */
export function processesOf(stateDir) {
  const postmaster = daemon(stateDir, 'postgres');
  const appliance = daemon(stateDir, 'appliance');
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  return {
    appliance: [appliance],
    agents: all.filter((pid) => text(pid, 'cmdline').startsWith('airseal-hsm-agent') && text(pid, 'environ').includes(`${stateDir}/`)),
    postgres: [postmaster, ...all.filter((pid) => parentOf(pid) === postmaster)],
    redis: [daemon(stateDir, 'redis')],
  };
}

/** Microseconds of processor time. @param {Processes} processes @returns {Record<string, number>} */
export function usedBy(processes) {
  return Object.fromEntries(
    Object.entries(processes).map(([name, pids]) => [
      name,
      pids.reduce((sum, pid) => {
        const [user = 0, system = 0] = statOf(pid).slice(11, 13).map(Number);
        return sum + (user + system) * TICK_US;
      }, 0),
    ]),
  );
}

/** Microseconds that all processors together have worked for anybody. @returns {number} */
export function usedByAll() {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, stolen = 0] = (/^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '').split(' ').map(Number);
  return (user + nice + system + irq + softIrq + stolen) * TICK_US;
}

/** Bytes of the appliance and its agents: own pages whole, shared pages by share (PSS). @param {string} stateDir */
export function memoryOf(stateDir) {
  const { appliance, agents } = processesOf(stateDir);
  return [...appliance, ...agents].reduce((sum, pid) => {
    const kibibytes = /^Pss: +(\d+) kB$/m.exec(text(pid, 'smaps_rollup'))?.[1] ?? '0';
    return sum + Number(kibibytes) * 1024;
  }, 0);
}

/** @param {string} stateDir @param {string} name @returns {number} */
function daemon(stateDir, name) {
  return JSON.parse(readFileSync(join(stateDir, 'daemons', `${name}.json`), 'utf8')).pid;
}

/** @param {number} pid */
function parentOf(pid) {
  return Number(statOf(pid)[1]);
}

/** Fields of /proc/PID/stat after the name, which may hold spaces. @param {number} pid */
function statOf(pid) {
  return text(pid, 'stat').replace(/^.*\) /s, '').trim().split(' ');
}

/** @param {number} pid @param {string} file */
function text(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended since.
    return '';
  }
}
