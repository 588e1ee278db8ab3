/**
 * What no door shows: every tree as it is stored, held against everything that was ever signed for it.
 *
 * The leaves of each tree are hashed again from their bodies. From them comes the root at the size of every stored
 * checkpoint and of every line of every signing journal, whose heads may have been signed although nobody ever saw
 * the signature. One that differs would be a contradiction over this log's own key.
 *
 * So is the ledger of timestamps: each acknowledged token is a leaf of it, octet for octet.
 */
import { createHash, createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { RFC3161Timestamp } from '@sigstore/core';
import { parseCertificate } from '#core/x509';
import { GrowingTree, hashLeaf } from './merkle.mjs';
import { LogKey, SeenHeads } from './signed-heads.mjs';

const LEDGER = 'timestamp/1';
/** In a log of certificates the text of a head names no origin. */
const UNNAMED = 'rfc6962';

/** @typedef {{ size: number, root: Buffer }} Head */

export class Stored {
  #site;
  #runtimeDir;
  #seen;
  /** Hashes of all leaves, by tree. @type {Map<string, Buffer[]>} */
  #leaves = new Map();
  /** Leaf hashes of acknowledged tokens, in hex. @type {Set<string>} */
  #tokens = new Set();
  #timestampKey;

  /** @param {import('../../load/site.mjs').Site} site @param {string} runtimeDir */
  constructor(site, runtimeDir) {
    this.#site = site;
    this.#runtimeDir = runtimeDir;
    /** @type {Map<string, SeenHeads>} */
    this.#seen = new Map();
    const authority = /** @type {import('#instance').TrustMaterial['timestampAuthorities'][number]} */ (
      site.material.timestampAuthorities.at(-1)
    );
    const leaf = parseCertificate(Buffer.from(/** @type {string} */ (authority.chain[0]), 'base64'));
    this.#timestampKey = createPublicKey({ key: Buffer.from(leaf.spki), format: 'der', type: 'spki' });
  }

  /** A timestamp. @param {import('./acknowledgements.mjs').Acknowledgement} acknowledgement */
  take({ context, answer }) {
    const response = Buffer.from(answer, 'base64');
    RFC3161Timestamp.parse(response).verify(Buffer.from(context, 'base64'), this.#timestampKey);
    this.#tokens.add(hashLeaf(response).toString('hex'));
  }

  /** @param {boolean} whole after a restart: a checkpoint covers every token, which before it does within a minute */
  async prove(whole) {
    const client = new pg.Client({ host: this.#runtimeDir, user: 'airseal_app', database: 'airseal' });
    await client.connect();
    try {
      const { rows } = await client.query('SELECT id, name, origin FROM log_shard ORDER BY name');
      let heads = 0;
      for (const shard of rows) heads += await this.#proveTree(client, shard);
      const ledger = this.#leaves.get(LEDGER) ?? [];
      const covered = whole ? (this.#seen.get(LEDGER)?.all().at(-1)?.size ?? 0) : ledger.length;
      const there = new Set(ledger.slice(0, covered).map((leaf) => leaf.toString('hex')));
      for (const token of this.#tokens)
        if (!there.has(token))
          throw new Error(`a timestamp that was given is not in the ledger: leaf ${token}`);
      return { entries: this.#tokens.size, heads };
    } finally {
      await client.end();
    }
  }

  /** @param {pg.Client} client @param {{ id: number, name: string, origin: string }} shard */
  async #proveTree(client, { id, name, origin }) {
    const key = this.#keyOf(name);
    const seen = this.#seen.get(name) ?? new SeenHeads(name);
    this.#seen.set(name, seen);
    // What was signed is read before the leaves: whatever it speaks of is committed by then.
    const checkpoints = await client.query(
      'SELECT size, root, note FROM log_checkpoint WHERE shard = $1 ORDER BY size',
      [id],
    );
    for (const { size, root, note } of checkpoints.rows) {
      const read = note.startsWith('{')
        ? key.reader.readTreeHead(note)
        : key.reader.readCheckpoint(note, origin);
      if (read.size !== Number(size) || !read.root.equals(root))
        throw new Error(`${name}: the checkpoint of ${size} says ${read.size}`);
      seen.add(read, 'a stored checkpoint');
    }
    const journalled = this.#journal(key.digest, name.startsWith('ct/') ? UNNAMED : origin);
    for (const head of journalled) seen.add(head, 'the signing journal');
    const signed = Number(checkpoints.rows.at(-1)?.size ?? 0);
    if (signed > 0 && !journalled.some(({ size }) => size === signed))
      throw new Error(`${name}: the journal has no line for the checkpoint of ${signed}`);

    const leaves = this.#leaves.get(name) ?? [];
    this.#leaves.set(name, leaves);
    const stored = await client.query(
      'SELECT idx, leaf_hash, body FROM log_leaf WHERE shard = $1 AND idx >= $2 ORDER BY idx',
      [id, leaves.length],
    );
    for (const { idx, leaf_hash: hash, body } of stored.rows) {
      if (Number(idx) !== leaves.length)
        throw new Error(`${name}: leaf ${leaves.length} is missing, the next is ${idx}`);
      const leaf = hashLeaf(body);
      if (!leaf.equals(hash)) throw new Error(`${name}: leaf ${idx} is stored under another hash`);
      leaves.push(leaf);
    }
    // Who asked again, or asked both replicas, has one entry and no second one.
    if (name.startsWith('rekor-') && new Set(leaves.map((leaf) => leaf.toString('hex'))).size < leaves.length)
      throw new Error(`${name}: an entry is there twice`);
    const tree = new GrowingTree();
    for (const { size, root } of seen.all()) {
      if (size > leaves.length)
        throw new Error(`${name}: a head of ${size} was signed, ${leaves.length} leaves are stored`);
      while (tree.size < size) tree.append(/** @type {Buffer} */ (leaves[tree.size]));
      if (!tree.root().equals(root))
        throw new Error(`${name}: what was signed for ${size} leaves is not their root`);
    }
    return seen.all().length;
  }

  /** @param {string} tree */
  #keyOf(tree) {
    const { rekorV1, rekorV2, ctLogs, audit } = this.#site.material;
    const spki = tree.startsWith('rekor-v1/')
      ? rekorV1.at(-1)?.key.spki
      : tree.startsWith('rekor-v2/')
        ? rekorV2.at(-1)?.key.spki
        : tree.startsWith('ct/')
          ? ctLogs.at(-1)?.key.spki
          : audit.spki;
    if (spki === undefined) throw new Error(`nobody knows the key of ${tree}`);
    return {
      reader: new LogKey(spki),
      digest: createHash('sha256').update(Buffer.from(spki, 'base64')).digest('hex'),
    };
  }

  /** Every head in the journals of one key and origin. @param {string} digest @param {string} origin @returns {Head[]} */
  #journal(digest, origin) {
    const directory = join(this.#site.stateDir, 'journal');
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.journal(\.old)?$/.test(name))
      .flatMap((name) => {
        const [title = '', ...lines] = readFileSync(join(directory, name), 'utf8').split('\n');
        const [, key, named] = title.split('\t');
        if (key !== digest || named !== origin) return [];
        // The last piece is empty, or a line that was never finished.
        return lines.slice(0, -1).map((line) => {
          const [, size, root = ''] = line.split('\t');
          return { size: Number(size), root: Buffer.from(root, 'base64') };
        });
      });
  }
}
