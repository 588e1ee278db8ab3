/** RFC 3161 requests in DER, with nonce and certificate; a sample is verified by the reader of sigstore-js. */
import { createPublicKey, hash, randomBytes } from 'node:crypto';
import { RFC3161Timestamp } from '@sigstore/core';
import { fromBase64 } from '#core/octets';
import { parseCertificate } from '#core/x509';
import { requestBytes } from '../connections.mjs';
import { sample } from './certificates.mjs';

const SHA256_AND_NULL = Buffer.from('300d06096086480165030402010500', 'hex');
const TRUE = Buffer.from('0101ff', 'hex');

/** @param {number} tag @param {Buffer[]} parts all shorter than 128 octets together */
function element(tag, ...parts) {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}

/** @param {import('../site.mjs').Site} site */
export function timestampRequests(site) {
  const url = new URL('/api/v1/timestamp', site.origin);
  const authority = /** @type {import('#instance').TrustMaterial['timestampAuthorities'][number]} */ (site.material.timestampAuthorities.at(-1));
  const leaf = parseCertificate(fromBase64(/** @type {string} */ (authority.chain[0])));
  const key = createPublicKey({ key: Buffer.from(leaf.spki), format: 'der', type: 'spki' });
  return {
    url,
    expected: 200,
    /** @param {number} count */
    async prepare(count) {
      return Array.from({ length: count }, () => {
        const message = randomBytes(64);
        const nonce = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
        const imprint = element(0x30, SHA256_AND_NULL, element(0x04, hash('sha256', message, 'buffer')));
        const body = element(0x30, element(0x02, Buffer.from([1])), imprint, element(0x02, nonce), TRUE);
        return { request: requestBytes('POST', url, { 'content-type': 'application/timestamp-query' }, body), context: { message, nonce } };
      });
    },
    /** @param {readonly import('../drive.mjs').Answered[]} answered */
    check(answered) {
      for (const { asked, answer } of answered) {
        const { message, nonce } = /** @type {{ message: Buffer, nonce: Buffer }} */ (asked.context);
        if (!answer.body.includes(nonce) || !answer.body.includes(hash('sha256', message, 'buffer'))) throw new Error('a token is about another message');
      }
      for (const { asked, answer } of sample(answered, 200)) {
        const token = RFC3161Timestamp.parse(Buffer.from(answer.body));
        token.verify(/** @type {{ message: Buffer }} */ (asked.context).message, key);
      }
    },
  };
}
