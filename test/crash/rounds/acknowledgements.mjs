/**
 * What the client was told, on disk before it counts.
 *
 * A line is written and synced (fdatasync) before anybody hears of it; lines that come together share one sync. So
 * after any crash, also of this machine, the file holds everything that the appliance can be held to.
 */
import { open } from 'node:fs/promises';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/**
 * @typedef {object} Acknowledgement
 * @property {'v1' | 'v2' | 'certificate' | 'timestamp' | 'v1-known' | 'v2-known'} kind `known`: a second try was told where its entry is
 * @property {number} sentMs
 * @property {number} doneMs
 * @property {string} context what the answer must be about
 * @property {string} answer
 */

export class Acknowledgements {
  #file;
  /** @type {{ line: string, written: () => void, failed: (error: unknown) => void }[]} */
  #waiting = [];
  #busy = false;

  /** @param {import('node:fs/promises').FileHandle} file */
  constructor(file) {
    this.#file = file;
  }

  /** @param {string} path */
  static async open(path) {
    return new Acknowledgements(await open(path, 'a'));
  }

  /** Resolves once it is durable. @param {object} record @returns {Promise<void>} */
  write(record) {
    return new Promise((written, failed) => {
      this.#waiting.push({ line: `${JSON.stringify(record)}\n`, written, failed });
      if (!this.#busy) void this.#work();
    });
  }

  async #work() {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        await this.#file.appendFile(batch.map(({ line }) => line).join(''));
        await this.#file.datasync();
        for (const { written } of batch) written();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#busy = false;
  }
}

/** Reads whole lines from an octet on. @param {string} path @param {number} from @returns {{ records: any[], next: number }} */
export function readRecords(path, from) {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(fstatSync(file).size - from);
    const length = readSync(file, bytes, 0, bytes.length, from);
    const end = bytes.subarray(0, length).lastIndexOf(0x0a) + 1;
    const lines = bytes
      .toString('utf8', 0, end)
      .split('\n')
      .filter((line) => line !== '');
    return { records: lines.map((line) => JSON.parse(line)), next: from + end };
  } finally {
    closeSync(file);
  }
}
