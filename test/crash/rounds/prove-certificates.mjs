/** Certificates: the promise that each carries holds, and the certificate log has what was promised. */
import { merkleTreeLeaf, parseSct, parseSctListExtension, verifySct } from '#core/ct';
import { parsePublicKey } from '#core/crypto';
import { fromBase64 } from '#core/octets';
import { extensionValue, issuerKeyHash, loggedTbs, OID, verifyIssuedBy } from '#core/x509';
import { readChain } from '../../load/requests/certificates.mjs';
import { GrowingTree, hashLeaf } from './merkle.mjs';
import { LogKey, SeenHeads } from './signed-heads.mjs';

export class Certificates {
  #base;
  #key;
  #sctKey;
  #seen = new SeenHeads('ct');
  /** Leaf hashes in hex, and whose they are. @type {Map<string, string>} */
  #promised = new Map();
  /** @type {Buffer[]} */
  #leaves = [];

  /** @param {import('../../load/site.mjs').Site} site */
  constructor(site) {
    const log = /** @type {import('#instance').TrustMaterial['ctLogs'][number]} */ (
      site.material.ctLogs.at(-1)
    );
    this.#base = new URL(`${log.url}/ct/v1/`);
    this.#key = new LogKey(log.key.spki);
    this.#sctKey = parsePublicKey(fromBase64(log.key.spki));
  }

  /** @param {import('./acknowledgements.mjs').Acknowledgement} acknowledgement */
  take({ answer }) {
    const { certificate, issuer } = readChain(Buffer.from(answer));
    verifyIssuedBy(certificate, issuer);
    const [bytes, ...others] = parseSctListExtension(
      /** @type {Uint8Array} */ (extensionValue(certificate, OID.sctList)),
    );
    if (bytes === undefined || others.length > 0)
      throw new Error('a certificate without exactly one promise');
    const entry = {
      kind: /** @type {const} */ ('precertificate'),
      issuerKeyHash: issuerKeyHash(issuer),
      tbs: loggedTbs(certificate.tbs),
    };
    const promise = parseSct(bytes);
    verifySct(promise, entry, this.#sctKey);
    const serial = certificate.serial.toString(16);
    const leaf = hashLeaf(merkleTreeLeaf(promise.timestampMs, entry)).toString('hex');
    if (this.#promised.has(leaf)) throw new Error(`certificate ${serial} was acknowledged twice`);
    this.#promised.set(leaf, serial);
  }

  /** @param {import('./prove-entries.mjs').Get} get @param {boolean} all also what was read before */
  async prove(get, all) {
    if (all) this.#leaves.length = 0;
    let newest = await this.#read(get);
    // A promise is given before a head covers it, which then comes within a second or two.
    for (let tries = 0; this.#missing() !== undefined && tries < 60; tries++) {
      await new Promise((done) => setTimeout(done, 250));
      newest = await this.#read(get);
    }
    const missing = this.#missing();
    if (missing !== undefined)
      throw new Error(`ct: what was promised for certificate ${missing} is not in the log`);
    const tree = new GrowingTree();
    for (const head of this.#seen.all()) {
      if (head.size > newest.size)
        throw new Error(`ct: a head of ${head.size} was seen, the newest is of ${newest.size}`);
      while (tree.size < head.size) tree.append(/** @type {Buffer} */ (this.#leaves[tree.size]));
      if (!tree.root().equals(head.root))
        throw new Error(`ct: the entries do not lead to the head of ${head.size} that was seen`);
    }
    return { entries: this.#promised.size, heads: this.#seen.all().length };
  }

  /** @param {import('./prove-entries.mjs').Get} get */
  async #read(get) {
    const newest = this.#key.readTreeHead((await get(new URL('get-sth', this.#base))).toString('utf8'));
    this.#seen.add(newest, 'get-sth');
    while (this.#leaves.length < newest.size) {
      const { entries } = JSON.parse(
        (
          await get(new URL(`get-entries?start=${this.#leaves.length}&end=${newest.size - 1}`, this.#base))
        ).toString('utf8'),
      );
      this.#leaves.push(
        ...entries.map((/** @type {{ leaf_input: string }} */ { leaf_input: leaf }) =>
          hashLeaf(Buffer.from(leaf, 'base64')),
        ),
      );
    }
    return newest;
  }

  /** Whose promise is not kept yet. */
  #missing() {
    const there = new Set(this.#leaves.map((leaf) => leaf.toString('hex')));
    for (const [leaf, serial] of this.#promised) if (!there.has(leaf)) return serial;
    return undefined;
  }
}
