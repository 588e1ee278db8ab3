/**
 * What may go wrong in the middle of the day, one thing at a time, and how it is put right again.
 *
 * Nobody tells the appliance: it must notice, wait, and go on by itself. Only what was ended from outside is started
 * again from outside, as a supervisor would.
 */

/**
 * @typedef {object} Disturbance
 * @property {string} name
 * @property {boolean} ends whether the appliance or its agent ends, and its memory begins anew
 * @property {boolean} [once] it has no length: what died is back as soon as it is asked for
 * @property {(processes: import('../crash/rounds/victims.mjs').Victims, ms: number) => Promise<void>} happen
 */

/** @type {readonly Disturbance[]} */
export const disturbances = [
  {
    name: 'appliance killed',
    ends: true,
    async happen(processes, ms) {
      await processes.kill('appliance');
      await pause(ms);
      await processes.startAppliance();
    },
  },
  {
    name: 'agent killed',
    ends: true,
    once: true,
    async happen(processes) {
      await processes.kill('agent');
    },
  },
  {
    name: 'PostgreSQL stopped at once',
    ends: false,
    async happen(processes, ms) {
      await processes.kill('postgres');
      await pause(ms);
      await processes.startPostgres();
    },
  },
  {
    name: 'Redis killed',
    ends: false,
    async happen(processes, ms) {
      await processes.kill('redis');
      await pause(ms);
      await processes.startRedis();
    },
  },
  { name: 'appliance frozen', ends: false, happen: (processes, ms) => processes.freeze('appliance', ms) },
  { name: 'agent frozen', ends: false, happen: (processes, ms) => processes.freeze('agent', ms) },
  { name: 'Redis frozen', ends: false, happen: (processes, ms) => processes.freeze('redis', ms) },
];

/** @param {number} ms */
export function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
