/** What a log has signed about its trees, read with node's own cryptography and the public keys of the trust material. */
import { createHash, createPublicKey, verify } from 'node:crypto';

/** @typedef {{ size: number, root: Buffer }} Head */

export class LogKey {
  #key;
  #hint;

  /** @param {string} spki base64 */
  constructor(spki) {
    const der = Buffer.from(spki, 'base64');
    this.#key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    this.#hint = createHash('sha256').update(der).digest().subarray(0, 4);
  }

  /** @param {Uint8Array} message @param {Uint8Array} signature DER */
  assertSigned(message, signature) {
    if (!verify('sha256', message, this.#key, signature)) throw new Error('a signature does not verify');
  }

  /** A checkpoint with exactly one signature, by this key. @param {string} note @param {string} origin @returns {Head} */
  readCheckpoint(note, origin) {
    const parts = /^([^\n]+)\n(0|[1-9]\d*)\n([A-Za-z0-9+/]{43}=)\n\n— [^ \n]+ ([A-Za-z0-9+/]+=*)\n$/u.exec(
      note,
    );
    if (parts === null) throw new Error(`not a checkpoint with one signature: ${note}`);
    const [, name, size, root = '', line = ''] = parts;
    if (name !== origin) throw new Error(`a checkpoint of ${name}, not of ${origin}`);
    const bytes = Buffer.from(line, 'base64');
    if (!bytes.subarray(0, 4).equals(this.#hint)) throw new Error('a checkpoint hints at another key');
    this.assertSigned(Buffer.from(note.slice(0, note.indexOf('\n\n') + 1)), bytes.subarray(4));
    return { size: Number(size), root: Buffer.from(root, 'base64') };
  }

  /** A signed tree head (RFC 6962 §4.3). @param {string} text @returns {Head} */
  readTreeHead(text) {
    const {
      tree_size: size,
      timestamp,
      sha256_root_hash: root,
      tree_head_signature: signature,
    } = JSON.parse(text);
    const numbers = Buffer.alloc(18);
    numbers.writeUInt8(1, 1);
    numbers.writeBigUInt64BE(BigInt(timestamp), 2);
    numbers.writeBigUInt64BE(BigInt(size), 10);
    const message = Buffer.concat([numbers, Buffer.from(root, 'base64')]);
    this.assertSigned(message, Buffer.from(signature, 'base64').subarray(4));
    return { size, root: Buffer.from(root, 'base64') };
  }
}

/** Every head of one tree that anybody was shown; two roots for one size end the test. */
export class SeenHeads {
  /** @type {Map<number, Buffer>} */
  #roots = new Map();
  #tree;

  /** @param {string} tree */
  constructor(tree) {
    this.#tree = tree;
  }

  /** @param {Head} head @param {string} where */
  add({ size, root }, where) {
    const known = this.#roots.get(size);
    if (known !== undefined && !known.equals(root))
      throw new Error(`${this.#tree}: two roots for a tree of ${size}, the second in ${where}`);
    this.#roots.set(size, root);
  }

  /** Smallest first. @returns {Head[]} */
  all() {
    return [...this.#roots].map(([size, root]) => ({ size, root })).sort((a, b) => a.size - b.size);
  }
}
