/** hashedrekord entries for the v2 log; every answer is a proof, and each one is verified. */
import { parsePublicKey } from '#core/crypto';
import { leafHash, verifyInclusion } from '#core/merkle';
import { logVerifier, parseCheckpoint, parseNote, verifyNote } from '#core/note';
import { equalOctets, fromBase64 } from '#core/octets';
import { requestBytes } from '../connections.mjs';
import { signArtifact } from './signers.mjs';

/** @param {import('../site.mjs').Site} site @param {readonly import('./signers.mjs').Signer[]} signers */
export function appendsV2(site, signers) {
  const url = new URL('/api/v2/log/entries', site.shardOrigin);
  const shard = /** @type {import('#instance').TrustMaterial['rekorV2'][number]} */ (site.material.rekorV2.at(-1));
  const verifier = logVerifier(shard.origin, parsePublicKey(fromBase64(shard.key.spki)));
  /** Every index that was ever acknowledged. */
  const indexes = new Set();
  return {
    url,
    expected: 201,
    /** @param {number} count */
    async prepare(count) {
      return Array.from({ length: count }, (_, at) => {
        const signer = /** @type {import('./signers.mjs').Signer} */ (signers[at % signers.length]);
        const { digest, signature } = signArtifact(signer);
        const body = Buffer.from(
          JSON.stringify({
            hashedRekordRequestV002: {
              digest: digest.toString('base64'),
              signature: {
                content: signature.toString('base64'),
                verifier: { keyDetails: 'PKIX_ECDSA_P256_SHA_256', x509Certificate: { rawBytes: Buffer.from(signer.der).toString('base64') } },
              },
            },
          }),
        );
        return { request: requestBytes('POST', url, { 'content-type': 'application/json' }, body), context: digest };
      });
    },
    /** @param {readonly import('../drive.mjs').Answered[]} answered */
    check(answered) {
      /** Checkpoints whose signature has been verified. */
      const verified = new Map();
      for (const { asked, answer } of answered) {
        const entry = JSON.parse(answer.body.toString('utf8'));
        if (indexes.has(entry.logIndex)) throw new Error(`two entries were told that they are number ${entry.logIndex}`);
        indexes.add(entry.logIndex);
        const body = fromBase64(entry.canonicalizedBody);
        const { data } = JSON.parse(Buffer.from(body).toString('utf8')).spec.hashedRekordV002;
        if (data.digest !== /** @type {Buffer} */ (asked.context).toString('base64')) throw new Error('an answer is about another entry');
        const { envelope } = entry.inclusionProof.checkpoint;
        let head = verified.get(envelope);
        if (head === undefined) {
          const note = parseNote(envelope);
          verifyNote(note, [verifier]);
          head = parseCheckpoint(note.text);
          verified.set(envelope, head);
        }
        if (!equalOctets(head.root, fromBase64(entry.inclusionProof.rootHash))) throw new Error('proof and checkpoint differ');
        verifyInclusion(leafHash(body), BigInt(entry.logIndex), entry.inclusionProof.hashes.map(fromBase64), head);
      }
      return { checkpoints: verified.size };
    },
  };
}

