/**
 * What stands where Rekor v1 wants a public key: a key, a certificate, or a certificate with its chain, in
 * PEM. Its canonical form is the same in 64 columns with LF and a final newline; clients rebuild that string
 * themselves to compare entries.
 */
import { parsePublicKey, type PublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import { toUtf8 } from '#core/octets';
import { formatPem, parsePem, type PemBlock } from '#core/pem';
import { oidcIssuer, type LeafSigner } from './leaf-signer.js';
import { readSignerCertificate, verifyChain, type SignerCertificate } from './certificate.js';
import { pemKey } from './search-keys.js';
import { within } from './refuse.js';
import { verifyOverMessage } from './signature.js';

const MAX_CHAIN = 10;

export interface PemVerifier {
  readonly key: PublicKey;
  readonly canonicalPem: string;
  /** Alternative names of the certificate, as they are written there. */
  readonly subjects: readonly string[];
  /** Leaf first; empty for a bare key. */
  readonly chain: readonly SignerCertificate[];
}

function refuse(what: string): Fault {
  return new Fault('malformed', 'entry/verifier', what);
}

function readKey({ der }: PemBlock): PemVerifier {
  return { key: parsePublicKey(der), canonicalPem: formatPem('PUBLIC KEY', der), subjects: [], chain: [] };
}

function readCertificates(blocks: readonly PemBlock[]): PemVerifier {
  if (blocks.length > MAX_CHAIN) throw refuse('too many certificates specified in PEM block');
  const chain = blocks.map((block) => {
    if (block.label !== 'CERTIFICATE') throw refuse('only certificates may follow one another');
    return readSignerCertificate(block.der);
  });
  const [leaf] = chain;
  if (leaf === undefined) throw refuse('failure decoding PEM');
  return {
    key: leaf.key,
    canonicalPem: blocks.map((block) => formatPem('CERTIFICATE', block.der)).join(''),
    subjects: leaf.subjects,
    chain,
  };
}

/** @throws {Fault} entry/verifier */
export function readPemVerifier(pem: Uint8Array): PemVerifier {
  return within('entry/verifier', 'invalid public key', () => {
    const blocks = parsePem(toUtf8(pem));
    const [first] = blocks;
    if (blocks.length === 1 && first?.label === 'PUBLIC KEY') return readKey(first);
    if (blocks.length === 1 && first?.label !== 'CERTIFICATE')
      throw refuse(`cannot handle type ${first?.label}`);
    return readCertificates(blocks);
  });
}

/** Search keys of a verifier: its PEM, and every name in its certificate. */
export function verifierKeys(verifier: PemVerifier): string[] {
  return [pemKey(verifier.canonicalPem), ...verifier.subjects];
}

/** The signer that `verifier` stands for. */
export function leafSignerOf({ key, subjects, chain }: PemVerifier): LeafSigner {
  const certificate = chain[0]?.certificate;
  return {
    spki: key.spki,
    identities: subjects,
    issuer: certificate === undefined ? undefined : oidcIssuer(certificate),
    certificate,
  };
}

/** Search keys of a verifier of an envelope; upstream files it only under the first of them. */
export function envelopeVerifierKeys(verifier: PemVerifier): string[] {
  const [key = '', ...names] = verifierKeys(verifier);
  return [`sha256:${key}`, key, ...names];
}

export function verifyVerifierChain(verifier: PemVerifier): void {
  verifyChain(verifier.chain);
}

/** Whether `signature` over `message` is this verifier's; Rekor v1 hashes envelopes with SHA-256 only. */
export function holdsOverEnvelope(
  verifier: PemVerifier,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    verifyOverMessage(verifier.key, 'sha256', message, signature);
    return true;
  } catch (error) {
    if (error instanceof Fault && error.code === 'crypto/signature-mismatch') return false;
    throw error;
  }
}
