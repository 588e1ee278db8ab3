import { contextConstructed, readSequence, TAG } from '#core/der';
import { parsePublicKey, type PublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import { verifyWithAlgorithm } from './algorithm.js';

export interface CertificateRequest {
  readonly der: Uint8Array;
  readonly subjectDer: Uint8Array;
  readonly key: PublicKey;
  /** AlgorithmIdentifier of the self-signature. */
  readonly signatureAlgorithm: Uint8Array;
}

/**
 * Reads a certificate signing request (PKCS#10, RFC 2986) and proves that whoever made it holds the key.
 *
 * Subject and requested extensions are the applicant's wishes and carry no weight (CONTRACTS §1.2): attributes
 * are not even read.
 *
 * @throws {Fault} x509/csr-malformed; crypto/key-malformed, crypto/key-type; crypto/signature-mismatch
 */
export function parseCsr(der: Uint8Array): CertificateRequest {
  return readSequence(der, (members) => {
    const info = members.expect(TAG.SEQUENCE).encoding;
    const signatureAlgorithm = members.expect(TAG.SEQUENCE).encoding;
    const signature = members.wholeBits();
    const request = readSequence(info, (fields) => {
      if (fields.smallInteger() !== 0)
        throw new Fault('malformed', 'x509/csr-malformed', 'a request has version 1');
      const subjectDer = fields.expect(TAG.SEQUENCE).encoding;
      const key = parsePublicKey(fields.expect(TAG.SEQUENCE).encoding);
      fields.optional(contextConstructed(0), (reader) => reader.element());
      return { der, subjectDer, key, signatureAlgorithm };
    });
    verifyWithAlgorithm(request.key, signatureAlgorithm, info, signature);
    return request;
  });
}
