/** The client's process, as the test speaks to it. */
import { fork } from 'node:child_process';

/** @typedef {{ what: string, acknowledged: Record<string, number>, failed: number }} Told */

export class Load {
  #child;

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.#child = child;
  }

  /**
   * @param {string} description
   * @param {string} directory where it writes
   * @param {Record<string, number>} lanes
   * @param {number} pauseMs
   * @param {string} [signersFrom] description of the installation that gives its signers their certificates
   */
  static async start(description, directory, lanes, pauseMs, signersFrom = description) {
    const words = [description, directory, JSON.stringify(lanes), String(pauseMs), signersFrom];
    const load = new Load(
      fork(new URL('./client.mjs', import.meta.url), words, {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    );
    await load.#heard('ready');
    return load;
  }

  run() {
    this.#child.send({ order: 'run' });
  }

  /** Asks nothing new; resolves when everything under way is answered and written down. */
  rest() {
    this.#child.send({ order: 'rest' });
    return this.#heard('rested');
  }

  count() {
    this.#child.send({ order: 'count' });
    return this.#heard('counted');
  }

  /** Until each of these kinds has more acknowledgements than `before`. @param {readonly string[]} kinds @param {Told} before @param {number} patienceMs */
  async acknowledges(kinds, before, patienceMs) {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const now = await this.count();
      const silent = kinds.filter(
        (kind) => (now.acknowledged[kind] ?? 0) <= (before.acknowledged[kind] ?? 0),
      );
      if (silent.length === 0) return now;
      if (Date.now() > deadline)
        throw new Error(
          `nothing was acknowledged for ${Math.round(patienceMs / 1000)} s: ${silent.join(', ')}`,
        );
      await new Promise((done) => setTimeout(done, 40));
    }
  }

  stop() {
    if (this.#child.connected) this.#child.disconnect();
  }

  /** @param {string} what @returns {Promise<Told>} */
  #heard(what) {
    return new Promise((resolve, reject) => {
      const ended = (/** @type {number | null} */ code) => reject(new Error(`the client ended with ${code}`));
      const listen = (/** @type {any} */ told) => {
        if (told.what !== what) return;
        this.#child.off('exit', ended);
        this.#child.off('message', listen);
        resolve(told);
      };
      this.#child.on('message', listen);
      this.#child.once('exit', ended);
    });
  }
}
