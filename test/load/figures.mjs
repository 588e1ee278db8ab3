/**
 * What is measured, in order, with its goal; how a figure reads for people and for machines.
 *
 * A goal is `>=` or `<=` a number; a figure without one is there to be watched.
 */

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {number} value
 * @property {string} unit
 * @property {{ at: 'least' | 'most', value: number }} [goal]
 */

/** @param {number} value @returns {Figure['goal']} */
export const atLeast = (value) => ({ at: 'least', value });
/** @param {number} value @returns {Figure['goal']} */
export const atMost = (value) => ({ at: 'most', value });

/** @param {Figure} figure */
export function record({ name, value, unit, goal }) {
  const holds = goal === undefined ? null : goal.at === 'least' ? value >= goal.value : value <= goal.value;
  const spelled = goal === undefined ? null : `${goal.at === 'least' ? '>=' : '<='} ${goal.value}`;
  return { name, value: rounded(value), unit, goal: spelled, holds };
}

/** @param {Figure} figure */
export function line(figure) {
  const { name, value, unit, goal, holds } = record(figure);
  const verdict = holds === null ? '' : `${goal} ${unit}  ${holds ? 'holds' : 'MISSED'}`;
  return `${name.padEnd(58)} ${String(value).padStart(10)} ${unit.padEnd(8)} ${verdict}`.trimEnd();
}

/** Three digits are more than the machine's noise allows. @param {number} value */
function rounded(value) {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
