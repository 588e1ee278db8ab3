/**
 * Entries of both faces: what was answered is held against what the log says now, over its public doors.
 *
 *   take   an acknowledgement by itself: entry, proof, checkpoint, promise, and that its place is nobody else's
 *   prove  after a crash: the entry is there, unchanged, proved under a checkpoint that is no older; and every
 *          checkpoint that was ever seen is proved to be a beginning of that one
 *
 * v1 is asked as its clients do, entry by entry and proof by proof. v2 is read as mirrors do: every entry, from which
 * the root of each checkpoint is computed again.
 */
import { canonicalJson } from '#core/json';
import { assertConsistent, GrowingTree, hashLeaf, rootFromInclusion } from './merkle.mjs';
import { LogKey, SeenHeads } from './signed-heads.mjs';

/**
 * @typedef {import('./acknowledgements.mjs').Acknowledgement} Acknowledgement
 * @typedef {(url: URL) => Promise<Buffer>} Get
 */

const TILE = 256;

/** @param {string} text */
const fromBase64 = (text) => Buffer.from(text, 'base64');
/** @param {string} text */
const fromHex = (text) => Buffer.from(text, 'hex');

/** @param {{ body: string }} entry of v1 @param {string} digest in hex */
function assertAbout({ body }, digest) {
  const { value } = JSON.parse(fromBase64(body).toString('utf8')).spec.data.hash;
  if (value !== digest) throw new Error(`v1: the answer for ${digest} is about ${value}`);
}

export class EntriesV1 {
  #origin;
  #shard;
  #key;
  #seen = new SeenHeads('rekor-v1');
  /** @type {Map<number, string>} */
  #idAt = new Map();
  /** @type {Map<string, { body: string, set: string, logIndex: number, integratedTime: number, size: number }>} */
  #promised = new Map();
  /** By entry ID that a second try was sent to: the digest that was asked for. @type {Map<string, string>} */
  #named = new Map();
  /** @type {string[]} */
  #due = [];
  /** Sizes of heads that were proved to be beginnings of the newest one. @type {Set<number>} */
  #proved = new Set();
  #newest = 0;

  /** @param {import('../../load/site.mjs').Site} site */
  constructor(site) {
    this.#origin = site.origin;
    this.#shard = /** @type {import('#instance').TrustMaterial['rekorV1'][number]} */ (
      site.material.rekorV1.at(-1)
    );
    this.#key = new LogKey(this.#shard.key.spki);
  }

  /** @param {Acknowledgement} acknowledgement */
  take({ kind, context, answer }) {
    if (kind === 'v1-known') {
      const id = /^location: .*\/([0-9a-f]{80})\r?$/im.exec(answer)?.[1];
      if (id === undefined) throw new Error(`a second try was not told where its entry is: ${answer}`);
      if ((this.#named.get(id) ?? context) !== context)
        throw new Error(`v1: ${id} was named for ${this.#named.get(id)} and for ${context}`);
      this.#named.set(id, context);
      this.#due.push(id);
      return;
    }
    const [[id, entry] = ['', undefined]] = Object.entries(JSON.parse(answer));
    const { size } = this.#check(id, entry);
    assertAbout(entry, context);
    if (this.#promised.has(id)) throw new Error(`v1: ${id} was acknowledged as new twice`);
    const { body, logIndex, integratedTime, verification } = entry;
    this.#promised.set(id, { body, logIndex, integratedTime, set: verification.signedEntryTimestamp, size });
    this.#due.push(id);
  }

  /** Everything that is due, or all that was ever promised. @param {Get} get @param {boolean} all */
  async prove(get, all) {
    const due = all ? [...this.#promised.keys(), ...this.#named.keys()] : this.#due.splice(0);
    for (const id of due) {
      const [[found, entry] = ['', undefined]] = Object.entries(
        JSON.parse((await get(new URL(`/api/v1/log/entries/${id}`, this.#origin))).toString('utf8')),
      );
      if (found !== id) throw new Error(`v1: asked for ${id}, answered ${found}`);
      const { size } = this.#check(id, entry);
      const wanted = this.#named.get(id);
      if (wanted !== undefined) assertAbout(entry, wanted);
      const promised = this.#promised.get(id);
      if (promised === undefined) continue;
      if (size < promised.size)
        throw new Error(`v1: ${id} was proved under ${promised.size} leaves and is now under ${size}`);
      const { body, logIndex, integratedTime, verification } = entry;
      if (
        body !== promised.body ||
        logIndex !== promised.logIndex ||
        integratedTime !== promised.integratedTime ||
        verification.signedEntryTimestamp !== promised.set
      ) {
        throw new Error(`v1: ${id} is not what it was acknowledged as`);
      }
    }
    const { signedTreeHead } = JSON.parse((await get(new URL('/api/v1/log', this.#origin))).toString('utf8'));
    const newest = this.#key.readCheckpoint(signedTreeHead, this.#shard.origin);
    this.#seen.add(newest, 'the newest head');
    // One that was proved to be a beginning of the newest one of then is a beginning of all that continue that one.
    if (all) this.#proved.clear();
    for (const head of this.#seen.all()) {
      if (this.#proved.has(head.size) && head.size !== this.#newest) continue;
      if (head.size > newest.size)
        throw new Error(`v1: a checkpoint of ${head.size} was seen, the newest is of ${newest.size}`);
      if (head.size === newest.size || head.size === 0) continue;
      const { hashes } = JSON.parse(
        (
          await get(new URL(`/api/v1/log/proof?firstSize=${head.size}&lastSize=${newest.size}`, this.#origin))
        ).toString('utf8'),
      );
      assertConsistent(head, newest, hashes.map(fromHex));
      this.#proved.add(head.size);
    }
    this.#newest = newest.size;
    return { entries: due.length, heads: this.#seen.all().length };
  }

  /** Everything that an entry says of itself. @param {string} id @param {any} entry */
  #check(id, entry) {
    const { body, integratedTime, logID, logIndex, verification } = entry;
    const { signedEntryTimestamp, inclusionProof } = verification;
    const leaf = hashLeaf(fromBase64(body));
    if (!id.endsWith(leaf.toString('hex'))) throw new Error(`v1: ${id} is not the name of its body`);
    const other = this.#idAt.get(logIndex);
    if (other !== undefined && other !== id)
      throw new Error(`v1: number ${logIndex} was given to ${other} and to ${id}`);
    this.#idAt.set(logIndex, id);
    this.#key.assertSigned(
      canonicalJson({ body, integratedTime, logID, logIndex }),
      fromBase64(signedEntryTimestamp),
    );
    const head = this.#key.readCheckpoint(inclusionProof.checkpoint, this.#shard.origin);
    this.#seen.add(head, `the proof of ${id}`);
    const root = rootFromInclusion(
      leaf,
      inclusionProof.logIndex,
      head.size,
      inclusionProof.hashes.map(fromHex),
    );
    if (!root.equals(head.root)) throw new Error(`v1: ${id} is not proved by its own proof`);
    return head;
  }
}

export class EntriesV2 {
  #origin;
  #shard;
  #key;
  #seen = new SeenHeads('rekor-v2');
  /** @type {Map<number, { digest: string, leaf: Buffer }>} */
  #promised = new Map();
  /** Full bundles do not change: read once. @type {Buffer[]} */
  #leaves = [];

  /** @param {import('../../load/site.mjs').Site} site */
  constructor(site) {
    this.#origin = site.shardOrigin;
    this.#shard = /** @type {import('#instance').TrustMaterial['rekorV2'][number]} */ (
      site.material.rekorV2.at(-1)
    );
    this.#key = new LogKey(this.#shard.key.spki);
  }

  /** @param {Acknowledgement} acknowledgement */
  take({ kind, context, answer }) {
    // No client of v2 can do anything with a conflict: who was not answered gets an answer when it asks again.
    if (kind === 'v2-known')
      throw new Error(
        `v2: the second try for ${context}, whose first was never answered, was told that it is a duplicate: ${answer}`,
      );
    const entry = JSON.parse(answer);
    const { data } = JSON.parse(fromBase64(entry.canonicalizedBody).toString('utf8')).spec.hashedRekordV002;
    if (data.digest !== context) throw new Error(`v2: the answer for ${context} is about ${data.digest}`);
    const index = Number(entry.logIndex);
    const leaf = hashLeaf(fromBase64(entry.canonicalizedBody));
    const other = this.#promised.get(index);
    if (other !== undefined)
      throw new Error(`v2: number ${index} was given to ${other.digest} and to ${context}`);
    const head = this.#key.readCheckpoint(entry.inclusionProof.checkpoint.envelope, this.#shard.origin);
    this.#seen.add(head, `the answer for ${context}`);
    const root = rootFromInclusion(leaf, index, head.size, entry.inclusionProof.hashes.map(fromBase64));
    if (!root.equals(head.root)) throw new Error(`v2: entry ${index} is not proved by its own proof`);
    this.#promised.set(index, { digest: context, leaf });
  }

  /** @param {Get} get @param {boolean} all also the bundles that were read before */
  async prove(get, all) {
    const newest = this.#key.readCheckpoint(
      (await get(new URL('/api/v2/checkpoint', this.#origin))).toString('utf8'),
      this.#shard.origin,
    );
    this.#seen.add(newest, 'the newest checkpoint');
    this.#leaves.length = all ? 0 : Math.floor(this.#leaves.length / TILE) * TILE;
    while (this.#leaves.length < newest.size) {
      const n = this.#leaves.length / TILE;
      const width = Math.min(TILE, newest.size - this.#leaves.length);
      const entries = readBundle(
        await get(
          new URL(
            `/api/v2/tile/entries/${tileNumber(n)}${width === TILE ? '' : `.p/${width}`}`,
            this.#origin,
          ),
        ),
      );
      if (entries.length !== width)
        throw new Error(`v2: bundle ${n} has ${entries.length} entries, not ${width}`);
      this.#leaves.push(...entries.map(hashLeaf));
    }
    const tree = new GrowingTree();
    for (const head of this.#seen.all()) {
      if (head.size > newest.size)
        throw new Error(`v2: a checkpoint of ${head.size} was seen, the newest is of ${newest.size}`);
      while (tree.size < head.size) tree.append(/** @type {Buffer} */ (this.#leaves[tree.size]));
      if (!tree.root().equals(head.root))
        throw new Error(`v2: the entries do not lead to the checkpoint of ${head.size} that was seen`);
    }
    for (const [index, { digest, leaf }] of this.#promised) {
      if (this.#leaves[index]?.equals(leaf) !== true)
        throw new Error(`v2: the entry for ${digest} is not number ${index} any more`);
    }
    return { entries: this.#promised.size, heads: this.#seen.all().length };
  }
}

/** C2SP tlog-tiles: groups of three digits. @param {number} n */
function tileNumber(n) {
  const last = String(n % 1000).padStart(3, '0');
  let path = last;
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`;
  return path;
}

/** @param {Buffer} bytes @returns {Buffer[]} */
function readBundle(bytes) {
  const entries = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt16BE(at);
    entries.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}
