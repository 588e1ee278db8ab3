/** The test's side of the barriers: who is there, arm one, hear that it was reached, let go. */
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** @typedef {{ step: string, tree?: string | undefined, skip: number }} Order */

export class Control {
  #server;
  /** @type {Map<import('node:net').Socket, string>} */
  #peers = new Map();
  /** @type {((reached: { step: string, tree?: string }) => void) | undefined} */
  #reached;
  /** @type {{ who: string, order: Order } | undefined} */
  #armed;

  /** @param {string} path of the socket */
  constructor(path) {
    this.#server = createServer((socket) => this.#welcome(socket));
    this.#server.listen(path);
  }

  /**
   * Resolves when the barrier is reached.
   *
   * @param {'appliance' | 'agent'} who @param {Order} order @param {number} patienceMs
   * @returns {Promise<{ step: string, tree?: string } | undefined>} undefined if it was not reached in time
   */
  arm(who, order, patienceMs) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.release();
        resolve(undefined);
      }, patienceMs);
      this.#reached = (reached) => {
        clearTimeout(timer);
        this.#reached = undefined;
        this.#armed = undefined;
        resolve(reached);
      };
      this.#armed = { who, order };
      for (const [socket, peer] of this.#peers) if (peer === who) send(socket, { order: 'arm', ...order });
    });
  }

  /** Disarms, and lets everybody go on who was stopped. */
  release() {
    this.#armed = undefined;
    this.#reached = undefined;
    for (const socket of this.#peers.keys()) send(socket, { order: 'go' });
  }

  close() {
    for (const socket of this.#peers.keys()) socket.destroy();
    this.#server.close();
  }

  /** @param {import('node:net').Socket} socket */
  #welcome(socket) {
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#peers.delete(socket));
    // The lines tell of the socket's errors again, on their own.
    const lines = createInterface({ input: socket }).on('error', () => undefined);
    lines.on('line', (line) => {
      const words = JSON.parse(line);
      if ('who' in words) {
        this.#peers.set(socket, words.who);
        // An agent that is started while we wait for it to come to a barrier.
        const armed = this.#armed;
        if (armed !== undefined && armed.who === words.who) send(socket, { order: 'arm', ...armed.order });
      } else if (this.#reached === undefined) send(socket, { order: 'go' });
      else this.#reached({ step: words.at, tree: words.tree });
    });
  }
}

/** @param {import('node:net').Socket} socket @param {object} words */
function send(socket, words) {
  if (!socket.destroyed) socket.write(`${JSON.stringify(words)}\n`);
}
