/** hashedrekord entries for the v1 log; every proof is verified, and the signed entry timestamps of a sample. */
import { parsePublicKey, verifySignature } from '#core/crypto';
import { canonicalJson } from '#core/json';
import { leafHash, verifyInclusion } from '#core/merkle';
import { logVerifierV1, parseCheckpoint, parseNote, verifyNote } from '#core/note';
import { equalOctets, fromBase64, fromHex } from '#core/octets';
import { requestBytes } from '../connections.mjs';
import { sample } from './certificates.mjs';
import { signArtifact } from './signers.mjs';

/** @param {import('../site.mjs').Site} site @param {readonly import('./signers.mjs').Signer[]} signers */
export function appendsV1(site, signers) {
  const url = new URL('/api/v1/log/entries', site.origin);
  const shard = /** @type {import('#instance').TrustMaterial['rekorV1'][number]} */ (site.material.rekorV1.at(-1));
  const key = parsePublicKey(fromBase64(shard.key.spki));
  const verifier = logVerifierV1(/** @type {string} */ (shard.origin.split(' - ')[0]), key);
  const indexes = new Set();
  /** @type {string[]} entry IDs that were acknowledged */
  const entryIds = [];
  return {
    url,
    expected: 201,
    entryIds,
    /** @param {number} count */
    async prepare(count) {
      return Array.from({ length: count }, (_, at) => {
        const signer = /** @type {import('./signers.mjs').Signer} */ (signers[at % signers.length]);
        const { digest, signature } = signArtifact(signer);
        const body = Buffer.from(
          JSON.stringify({
            apiVersion: '0.0.1',
            kind: 'hashedrekord',
            spec: {
              data: { hash: { algorithm: 'sha256', value: digest.toString('hex') } },
              signature: { content: signature.toString('base64'), publicKey: { content: Buffer.from(signer.pem).toString('base64') } },
            },
          }),
        );
        return { request: requestBytes('POST', url, { 'content-type': 'application/json' }, body), context: digest };
      });
    },
    /** @param {readonly import('../drive.mjs').Answered[]} answered */
    check(answered) {
      const verified = new Map();
      const timed = new Set(sample(answered, 200));
      for (const one of answered) {
        const [[entryId, entry]] = Object.entries(JSON.parse(one.answer.body.toString('utf8')));
        if (indexes.has(entry.logIndex)) throw new Error(`two entries were told that they are number ${entry.logIndex}`);
        indexes.add(entry.logIndex);
        entryIds.push(entryId);
        const body = fromBase64(entry.body);
        const { value } = JSON.parse(Buffer.from(body).toString('utf8')).spec.data.hash;
        if (value !== /** @type {Buffer} */ (one.asked.context).toString('hex')) throw new Error('an answer is about another entry');
        const { inclusionProof: proof, signedEntryTimestamp } = entry.verification;
        let head = verified.get(proof.checkpoint);
        if (head === undefined) {
          const note = parseNote(proof.checkpoint);
          verifyNote(note, [verifier]);
          head = parseCheckpoint(note.text);
          verified.set(proof.checkpoint, head);
        }
        if (!equalOctets(head.root, fromHex(proof.rootHash))) throw new Error('proof and checkpoint differ');
        verifyInclusion(leafHash(body), BigInt(proof.logIndex), proof.hashes.map(fromHex), head);
        if (!timed.has(one)) continue;
        const { body: text, integratedTime, logID, logIndex } = entry;
        verifySignature(key, canonicalJson({ body: text, integratedTime, logID, logIndex }), fromBase64(signedEntryTimestamp));
      }
      return { checkpoints: verified.size };
    },
  };
}
