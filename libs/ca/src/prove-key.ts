/**
 * Whether the requester holds the key that the certificate is to name.
 *
 * Either a signature over a name from the identity token shows it, or the self-signature of a certificate signing
 * request. Nothing else in a request counts: not the algorithm a client announces, not a CSR's subject or extensions.
 */
import { parsePublicKey, publicKeyFromPem, type PublicKey, verifySignature } from '#core/crypto';
import { Fault, isFault } from '#core/fault';
import { fromUtf8, toUtf8 } from '#core/octets';
import { formatPem, parsePem, type PemBlock } from '#core/pem';
import { parseCsr, schemeFits, signatureScheme } from '#core/x509';
import { checkKeyFit, insecureKey, notPermitted } from './fit-keys.js';

export type KeyClaim =
  | {
      readonly kind: 'public-key';
      /** PEM `PUBLIC KEY` or `RSA PUBLIC KEY`, or a DER SubjectPublicKeyInfo. */
      readonly content: Uint8Array;
      /** Signature over the challenge: ECDSA as DER, RSA PKCS#1 v1.5, Ed25519 pure. */
      readonly proof: Uint8Array;
    }
  | {
      readonly kind: 'csr';
      /** PEM. */
      readonly content: Uint8Array;
    };

function wrongProof(cause: unknown): Fault {
  return new Fault(
    'unverified',
    'ca/proof-mismatch',
    'the signature that should prove possession of the key does not verify',
    {
      cause,
    },
  );
}

/** The one block there is: a second key would be one that nobody looked at. */
function onlyBlock(content: Uint8Array): PemBlock | undefined {
  const [block, ...others] = parsePem(toUtf8(content));
  return others.length === 0 ? block : undefined;
}

/** Faults of the primitives, said again as this CA's own: doors have one message for each. */
function readKey(content: Uint8Array): PublicKey {
  try {
    if (content[0] === 0x30) return parsePublicKey(content);
    const block = onlyBlock(content);
    if (block?.label === 'PUBLIC KEY') return parsePublicKey(block.der);
    if (block?.label === 'RSA PUBLIC KEY') return publicKeyFromPem(formatPem(block.label, block.der));
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (cause.code === 'crypto/key-type')
      throw insecureKey('use ECDSA P-256, P-384 or P-521, RSA or Ed25519');
    throw new Fault('malformed', 'ca/key-malformed', 'the public key is not a PEM or DER public key', {
      cause,
    });
  }
  throw new Fault(
    'malformed',
    'ca/key-malformed',
    'the public key must be one PEM block of type PUBLIC KEY or RSA PUBLIC KEY',
  );
}

function proveByCsr(content: Uint8Array): PublicKey {
  let request;
  try {
    const block = onlyBlock(content);
    if (block?.label !== 'CERTIFICATE REQUEST' && block?.label !== 'NEW CERTIFICATE REQUEST') {
      throw new Fault(
        'malformed',
        'ca/csr-malformed',
        'the certificate signing request must be one PEM block of type CERTIFICATE REQUEST',
      );
    }
    request = parseCsr(block.der);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (cause.code === 'crypto/key-type')
      throw insecureKey('use ECDSA P-256, P-384 or P-521, RSA or Ed25519');
    if (cause.code === 'crypto/not-permitted') throw insecureKey('its kind or size is not permitted here');
    if (cause.code === 'crypto/signature-mismatch') throw wrongProof(cause);
    if (cause.code === 'x509/algorithm')
      throw notPermitted('the algorithm of the certificate signing request', cause);
    throw new Fault('malformed', 'ca/csr-malformed', 'the certificate signing request cannot be parsed', {
      cause,
    });
  }
  checkKeyFit(request.key);
  const scheme = signatureScheme(request.signatureAlgorithm);
  if (scheme === undefined || !schemeFits(scheme, request.key)) {
    throw notPermitted(`${request.key.kind} with ${scheme?.hash ?? 'this hash'}`);
  }
  return request.key;
}

/**
 * @param challenges names from the verified token, any of which may have been signed
 * @throws {Fault} ca/key-malformed, ca/csr-malformed, ca/key-insecure, ca/algorithm-not-permitted, ca/proof-mismatch
 */
export function proveKey(claim: KeyClaim, challenges: readonly string[]): PublicKey {
  if (claim.kind === 'csr') return proveByCsr(claim.content);
  const key = readKey(claim.content);
  checkKeyFit(key);
  let mismatch: unknown;
  for (const challenge of challenges) {
    try {
      verifySignature(key, fromUtf8(challenge), claim.proof);
      return key;
    } catch (error) {
      if (!isFault(error) || error.code !== 'crypto/signature-mismatch') throw error;
      mismatch = error;
    }
  }
  throw wrongProof(mismatch);
}
