/**
 * The little that a log must know of a signer's certificate: its key, its names, and who signed it.
 *
 * Nothing is trusted here. A log records certificates; whether to believe them is for verifiers.
 */
import { parsePublicKey, verifySignature, type HashName, type PublicKey } from '#core/crypto';
import { DerReader, TAG, contextConstructed, contextPrimitive, readSequence } from '#core/der';
import { Fault, isFault } from '#core/fault';
import { equalOctets, toUtf8 } from '#core/octets';

export interface SignerCertificate {
  readonly key: PublicKey;
  readonly subjects: readonly string[];
  readonly tbs: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isCa: boolean;
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
}

const SUBJECT_ALT_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
/** Fulcio's OtherName: a user name that is no address. */
const FULCIO_USER_NAME = '1.3.6.1.4.1.57264.1.7';

const SIGNATURE_HASH: Readonly<Record<string, HashName | undefined>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};
const ED25519 = '1.3.101.112';

/** RFC 5952 §4: lower case, the longest run of two zero groups or more written as `::`. */
function ipText(octets: Uint8Array): string[] {
  if (octets.length === 4) return [octets.join('.')];
  if (octets.length !== 16) return [];
  const groups = Array.from(
    { length: 8 },
    (_, at) => (octets[2 * at] ?? 0) * 256 + (octets[2 * at + 1] ?? 0),
  );
  const text = groups.map((group) => group.toString(16)).join(':');
  const runs = [...text.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)];
  const longest = runs.reduce((best, [run]) => (run.length > best.length ? run : best), '');
  if (longest === '') return [text];
  const at = text.search(new RegExp(`(?<![^:])${longest}(?![^:])`));
  return [`${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`];
}

function otherName(content: Uint8Array): string[] {
  const name = new DerReader(content);
  if (name.oid() !== FULCIO_USER_NAME) return [];
  const text = name.explicit(0).utf8();
  return [text];
}

/** Names of the kinds that Rekor files: address, DNS name, URI, IP address, Fulcio's user name. */
function alternativeNames(value: Uint8Array): string[] {
  return readSequence(value, (names) => {
    const texts: string[] = [];
    while (!names.atEnd) {
      const { tag, content } = names.element();
      if (tag === contextPrimitive(1) || tag === contextPrimitive(2) || tag === contextPrimitive(6)) {
        texts.push(toUtf8(content));
      } else if (tag === contextPrimitive(7)) {
        texts.push(...ipText(content));
      } else if (tag === contextConstructed(0)) {
        texts.push(...otherName(content));
      }
    }
    return texts;
  });
}

interface Extensions {
  subjects: string[];
  isCa: boolean;
}

function readExtensions(tbs: DerReader): Extensions {
  const found: Extensions = { subjects: [], isCa: false };
  if (tbs.peek() !== contextConstructed(3)) return found;
  const wrapped = tbs.explicit(3);
  const list = wrapped.sequence();
  wrapped.finish();
  while (!list.atEnd) {
    const extension = list.sequence();
    const oid = extension.oid();
    extension.booleanDefaultFalse();
    const value = extension.octets();
    extension.finish();
    if (oid === SUBJECT_ALT_NAME) found.subjects.push(...alternativeNames(value));
    if (oid === BASIC_CONSTRAINTS) {
      found.isCa = readSequence(value, (members) => {
        const isCa = members.booleanDefaultFalse();
        members.optional(TAG.INTEGER, (reader) => reader.integer());
        return isCa;
      });
    }
  }
  return found;
}

type Body = Omit<SignerCertificate, 'tbs' | 'signature'>;

function readBody(tbs: DerReader): Body {
  tbs.optional(contextConstructed(0), (reader) => reader.element());
  tbs.integer();
  const signatureAlgorithm = tbs.sequence().oid();
  const issuer = tbs.expect(TAG.SEQUENCE).encoding;
  const validity = tbs.sequence();
  const notBefore = validity.time();
  const notAfter = validity.time();
  validity.finish();
  const subject = tbs.expect(TAG.SEQUENCE).encoding;
  const key = parsePublicKey(tbs.expect(TAG.SEQUENCE).encoding);
  tbs.optional(contextPrimitive(1), (reader) => reader.element());
  tbs.optional(contextPrimitive(2), (reader) => reader.element());
  return { signatureAlgorithm, issuer, notBefore, notAfter, subject, key, ...readExtensions(tbs) };
}

/** @throws {Fault} entry/verifier */
export function readSignerCertificate(der: Uint8Array): SignerCertificate {
  try {
    return readSequence(der, (certificate) => {
      const tbs = certificate.expect(TAG.SEQUENCE).encoding;
      certificate.expect(TAG.SEQUENCE);
      const signature = certificate.wholeBits();
      return { ...readSequence(tbs, readBody), tbs, signature };
    });
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    throw new Fault(cause.kind, 'entry/verifier', `parsing certificate: ${cause.message}`, { cause });
  }
}

function verifyLink(child: SignerCertificate, parent: SignerCertificate, at: number): void {
  const refuse = (what: string, cause?: unknown): Fault =>
    new Fault('unverified', 'entry/chain', `certificate chain: ${what}`, { cause });
  if (!equalOctets(child.issuer, parent.subject))
    throw refuse('each certificate must name the next as its issuer');
  if (!parent.isCa) throw refuse('an issuer in it is not a certificate authority');
  if (at < parent.notBefore || at > parent.notAfter)
    throw refuse('an issuer in it was not valid when the leaf was issued');
  const hash = SIGNATURE_HASH[child.signatureAlgorithm];
  if (hash === undefined && child.signatureAlgorithm !== ED25519)
    throw refuse('a signature algorithm in it is unknown');
  try {
    verifySignature(parent.key, child.tbs, child.signature, hash);
  } catch (cause) {
    throw refuse('a signature in it does not verify', cause);
  }
}

/**
 * Proves that each certificate was signed by the next, as of the moment the first one was issued: expired
 * certificates can still be logged.
 *
 * @throws {Fault} entry/chain
 */
export function verifyChain(chain: readonly SignerCertificate[]): void {
  const at = chain[0]?.notBefore ?? 0;
  chain.slice(1).forEach((parent, index) => {
    const child = chain[index];
    if (child !== undefined) verifyLink(child, parent, at);
  });
}
