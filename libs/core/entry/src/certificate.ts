/**
 * What a log must know of a signer's certificate: its key, and the names it can be found under.
 *
 * Nothing is trusted here. A log records certificates; whether to believe them is for verifiers.
 */
import { parsePublicKey, type PublicKey } from '#core/crypto';
import { contextPrimitive } from '#core/der';
import { Fault } from '#core/fault';
import { parseCertificate, verifyIssuedBy, type Certificate, type SubjectAltName } from '#core/x509';
import { within } from './refuse.js';

export interface SignerCertificate {
  readonly certificate: Certificate;
  readonly key: PublicKey;
  /** Address, DNS name, URI, IP address, Fulcio's user name: the kinds that Rekor files. */
  readonly subjects: readonly string[];
}

const IP_ADDRESS = contextPrimitive(7);

/** RFC 5952 §4: lower case, the first of the longest runs of zero groups, if longer than one, is `::`. */
function ipText(octets: Uint8Array): string | undefined {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) return undefined;
  const groups = Array.from(
    { length: 8 },
    (_, at) => (octets[2 * at] ?? 0) * 256 + (octets[2 * at + 1] ?? 0),
  );
  let [start, length] = [0, 1];
  groups.forEach((_, from) => {
    const end = groups.findIndex((group, at) => at >= from && group !== 0);
    const zeros = (end < 0 ? groups.length : end) - from;
    if (zeros > length) [start, length] = [from, zeros];
  });
  const text = (some: readonly number[]): string => some.map((group) => group.toString(16)).join(':');
  if (length === 1) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function nameText(name: SubjectAltName): string[] {
  if (name.kind !== 'other') return [name.value];
  const ip = name.tag === IP_ADDRESS ? ipText(name.content) : undefined;
  return ip === undefined ? [] : [ip];
}

/** @throws {Fault} entry/verifier */
export function readSignerCertificate(der: Uint8Array): SignerCertificate {
  return within('entry/verifier', 'parsing certificate', () => {
    const certificate = parseCertificate(der);
    return {
      certificate,
      key: parsePublicKey(certificate.spki),
      subjects: certificate.sans.flatMap(nameText),
    };
  });
}

/**
 * Proves that each certificate was issued by the next, as of the moment the first one was issued: expired
 * certificates can still be logged.
 *
 * @throws {Fault} entry/chain
 */
export function verifyChain(chain: readonly SignerCertificate[]): void {
  const [leaf, ...issuers] = chain.map((one) => one.certificate);
  if (leaf === undefined) return;
  const at = leaf.notBeforeMs;
  let certificate = leaf;
  for (const issuer of issuers) {
    within('entry/chain', 'certificate chain', () => verifyIssuedBy(certificate, issuer));
    if (at < issuer.notBeforeMs || at > issuer.notAfterMs) {
      throw new Fault(
        'unverified',
        'entry/chain',
        'certificate chain: an issuer was not valid when the leaf was issued',
      );
    }
    certificate = issuer;
  }
}
