/** One line per step, with what it found or made and how long it took; a sign of life when it takes long. */

/**
 * A step says by its result what happened: it asks first whether its work is already done, so that a second
 * `up` changes nothing and an interrupted one resumes.
 *
 * @typedef {{name: string, run: () => Promise<string>}} Step
 */

const heartbeatMs = 15_000;

/**
 * @param {readonly Step[]} steps
 * @param {{done: number, total: number}} numbering steps done before these, and all there are
 */
export async function walk(steps, numbering) {
  let number = numbering.done;
  for (const step of steps) {
    number += 1;
    const began = Date.now();
    const place = `[${String(number).padStart(2)}/${numbering.total}]`;
    process.stdout.write(`${place} ${step.name} …`);
    const heartbeat = setInterval(() => {
      process.stdout.write(` ${Math.round((Date.now() - began) / 1000)} s …`);
    }, heartbeatMs);
    try {
      const result = await step.run();
      process.stdout.write(` ${result} (${((Date.now() - began) / 1000).toFixed(1)} s)\n`);
    } catch (cause) {
      process.stdout.write(` failed after ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
      throw cause;
    } finally {
      clearInterval(heartbeat);
    }
  }
}

/** A line that belongs to the running step. @param {string} text */
export function note(text) {
  process.stdout.write(`\n        ${text}`);
}
