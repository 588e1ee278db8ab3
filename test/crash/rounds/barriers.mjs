/**
 * The side of a process that is stopped at a barrier: a line to the test, which arms one barrier at a time.
 *
 * Only the two programs beside this file have it (appliance-with-barriers.mjs, agent-with-barriers.mjs). The product
 * has neither a setting nor an argument that leads here.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * @param {string} control socket of the test
 * @param {'appliance' | 'agent'} who
 * @returns {(step: string, tree?: string) => Promise<void> | undefined} to be awaited at each barrier
 */
export function barriers(control, who) {
  /** @type {{ step: string, tree?: string, skip: number } | undefined} */
  let armed;
  /** @type {(() => void)[]} */
  const held = [];
  const socket = connect(control);
  const release = () => {
    armed = undefined;
    for (const go of held.splice(0)) go();
  };
  socket.on('error', release);
  socket.on('close', release);
  socket.write(`${JSON.stringify({ who, pid: process.pid })}\n`);
  const lines = createInterface({ input: socket }).on('error', release);
  lines.on('line', (line) => {
    const order = JSON.parse(line);
    if (order.order === 'arm') armed = order;
    else release();
  });
  socket.unref();
  return (step, tree) => {
    if (armed === undefined || armed.step !== step) return undefined;
    if (armed.tree !== undefined && tree !== undefined && !tree.startsWith(armed.tree)) return undefined;
    if (armed.skip-- > 0) return undefined;
    armed = undefined;
    socket.write(`${JSON.stringify({ at: step, tree })}\n`);
    return new Promise((go) => held.push(go));
  };
}
