/**
 * Reads X.509 certificates (RFC 5280 §4.1).
 *
 * The parser accepts every certificate that is DER, also ones that our profiles forbid: judging is the lints'
 * work, and a log must be able to read what other people's CAs write. It keeps all parts as the bytes that
 * stood there, because names and keys are compared as bytes.
 */
import {
  contextConstructed,
  contextPrimitive,
  DerReader,
  parseGeneralizedTime,
  parseUtcTime,
  readSequence,
  signedValue,
  TAG,
} from '#core/der';
import { keyIdentifier, parsePublicKey, type PublicKey, sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { equalOctets, toUtf8 } from '#core/octets';
import { verifyWithAlgorithm } from './algorithm.js';
import {
  type Extension,
  parseBasicConstraints,
  parseSpki,
  parseSubjectAltNames,
  parseSubjectKeyIdentifier,
  type SubjectAltName,
} from './extension.js';
import { nameText } from './name.js';
import { FULCIO_BY_OID, OID } from './oids.js';

/** The part of a certificate that is signed. */
export interface TbsCertificate {
  readonly tbs: Uint8Array;
  /** 1, 2 or 3. */
  readonly version: number;
  readonly serial: bigint;
  /** Content octets of the serial's INTEGER. */
  readonly serialOctets: Uint8Array;
  /** AlgorithmIdentifier, DER. */
  readonly signatureAlgorithm: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  /** First instant of validity. */
  readonly notBeforeMs: number;
  /** Last *second* of validity, inclusive (RFC 5280 §4.1.2.5). */
  readonly notAfterMs: number;
  /** Which of the two time types each was written in. */
  readonly timeTags: readonly [number, number];
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly extensions: readonly Extension[];
}

export interface Certificate extends TbsCertificate {
  readonly der: Uint8Array;
  readonly signature: Uint8Array;
  readonly sans: readonly SubjectAltName[];
}

/** Reads a TBSCertificate. @throws {Fault} der/…, x509/version */
export function parseTbs(tbs: Uint8Array): TbsCertificate {
  return readSequence(tbs, (members) => {
    const version = members.optional(contextConstructed(0), readVersion) ?? 1;
    const serialOctets = members.integerOctets();
    const serial = signedValue(serialOctets);
    const signatureAlgorithm = members.expect(TAG.SEQUENCE).encoding;
    const issuerDer = members.expect(TAG.SEQUENCE).encoding;
    const validity = members.sequence();
    const [notBefore, notAfter] = [validity.element(), validity.element()];
    validity.finish();
    const subjectDer = members.expect(TAG.SEQUENCE).encoding;
    const spki = members.expect(TAG.SEQUENCE).encoding;
    for (const number of [1, 2]) members.optional(contextPrimitive(number), (reader) => reader.element());
    const extensions = members.optional(contextConstructed(3), readExtensions) ?? [];
    return {
      tbs,
      version,
      serial,
      serialOctets,
      signatureAlgorithm,
      issuerDer,
      subjectDer,
      notBeforeMs: instantOf(notBefore.tag, notBefore.content),
      notAfterMs: instantOf(notAfter.tag, notAfter.content),
      timeTags: [notBefore.tag, notAfter.tag],
      spki,
      extensions,
    };
  });
}

function readVersion(reader: DerReader): number {
  const wrapped = reader.explicit(0);
  const version = wrapped.smallInteger();
  wrapped.finish();
  if (version > 2) throw new Fault('malformed', 'x509/version', 'there is no X.509 version above 3');
  return version + 1;
}

/** Both types are read whatever the year; which one was right is a lint (V1). */
function instantOf(tag: number, content: Uint8Array): number {
  const text = toUtf8(content);
  if (tag === TAG.UTC_TIME) return parseUtcTime(text);
  if (tag === TAG.GENERALIZED_TIME) return parseGeneralizedTime(text);
  throw new Fault('malformed', 'der/time', 'a validity holds UTCTime or GeneralizedTime');
}

function readExtensions(reader: DerReader): Extension[] {
  const wrapped = reader.explicit(3);
  const list = wrapped.sequence();
  wrapped.finish();
  const extensions: Extension[] = [];
  while (!list.atEnd) {
    const extension = list.sequence();
    const oid = extension.oid();
    // An explicit FALSE is not DER, but other people's CAs write it and it means only one thing.
    const critical = extension.optional(TAG.BOOLEAN, (flag) => flag.boolean()) ?? false;
    extensions.push({ oid, critical, value: extension.octets() });
    extension.finish();
  }
  return extensions;
}

/**
 * Reads a whole certificate.
 *
 * @throws {Fault} der/… if it is not DER; x509/duplicate-extension; x509/algorithm-mismatch if the two places
 *   that name the signature algorithm differ (RFC 5280 §4.1.1.2)
 */
export function parseCertificate(der: Uint8Array): Certificate {
  return readSequence(der, (members) => {
    const tbs = parseTbs(members.expect(TAG.SEQUENCE).encoding);
    const outerAlgorithm = members.expect(TAG.SEQUENCE).encoding;
    const signature = members.wholeBits();
    if (!equalOctets(outerAlgorithm, tbs.signatureAlgorithm)) {
      throw new Fault(
        'malformed',
        'x509/algorithm-mismatch',
        'the certificate names two different signature algorithms',
      );
    }
    if (new Set(tbs.extensions.map(({ oid }) => oid)).size !== tbs.extensions.length) {
      throw new Fault('malformed', 'x509/duplicate-extension', 'the certificate holds an extension twice');
    }
    const names = extensionValue(tbs, OID.subjectAltName);
    return { ...tbs, der, signature, sans: names === undefined ? [] : parseSubjectAltNames(names) };
  });
}

/** An authority is looked at with each certificate it signs, and its key is the same each time. */
const keys = new WeakMap<TbsCertificate, PublicKey>();

/** The public key that `certificate` names. @throws {Fault} crypto/key-malformed, crypto/key-type */
export function subjectKey(certificate: TbsCertificate): PublicKey {
  const known = keys.get(certificate);
  if (known !== undefined) return known;
  const key = parsePublicKey(certificate.spki);
  keys.set(certificate, key);
  return key;
}

/** The value of an extension, or `undefined` where the certificate has none of that kind. */
export function extensionValue(certificate: TbsCertificate, oid: string): Uint8Array | undefined {
  return certificate.extensions.find((extension) => extension.oid === oid)?.value;
}

/** Fulcio's extensions as text, by dotted OID; raw and DER encodings both read (CONTRACTS §1.7). */
export function fulcioExtensions(certificate: TbsCertificate): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { oid, value } of certificate.extensions) {
    const known = FULCIO_BY_OID.get(oid);
    if (known === undefined) continue;
    if (known.encoding === 'raw') texts.set(oid, toUtf8(value));
    else {
      const reader = new DerReader(value);
      texts.set(oid, reader.utf8());
      reader.finish();
    }
  }
  return texts;
}

/** The identifier by which this certificate's key is named in certificates that it issues. */
export function subjectKeyIdentifier(certificate: TbsCertificate): Uint8Array {
  const value = extensionValue(certificate, OID.subjectKeyIdentifier);
  return value === undefined ? keyIdentifierOf(certificate.spki) : parseSubjectKeyIdentifier(value);
}

/** SHA-1 of the subjectPublicKey bits (RFC 5280 §4.2.1.2, method 1). */
export function keyIdentifierOf(spki: Uint8Array): Uint8Array {
  return keyIdentifier(parseSpki(spki).bits);
}

/** SHA-256 over the issuer's SubjectPublicKeyInfo, as SCTs cover it (RFC 6962 §3.2). */
export function issuerKeyHash(issuer: TbsCertificate): Uint8Array {
  return sha256(issuer.spki);
}

export function isSelfIssued(certificate: TbsCertificate): boolean {
  return equalOctets(certificate.subjectDer, certificate.issuerDer);
}

/**
 * Proves that `issuer` issued `certificate`: names agree as bytes, the issuer is a CA, the signature holds.
 * Validity in time is not looked at: callers know which instant they mean.
 *
 * @throws {Fault} x509/issuer, crypto/signature-mismatch, x509/algorithm
 */
export function verifyIssuedBy(certificate: Certificate, issuer: Certificate): void {
  const constraints = extensionValue(issuer, OID.basicConstraints);
  const ca = constraints !== undefined && parseBasicConstraints(constraints).ca;
  if (!equalOctets(certificate.issuerDer, issuer.subjectDer) || !ca) {
    throw new Fault(
      'unverified',
      'x509/issuer',
      `the certificate was not issued by ${nameText(issuer.subjectDer)}`,
    );
  }
  verifyWithAlgorithm(
    subjectKey(issuer),
    certificate.signatureAlgorithm,
    certificate.tbs,
    certificate.signature,
  );
}

/**
 * Proves that each certificate of `chain` was issued by the next, and the last by itself.
 *
 * @throws {Fault} x509/chain if there are fewer than two or a path length is exceeded; as verifyIssuedBy
 */
export function verifyChain(chain: readonly Certificate[]): void {
  if (chain.length < 2) throw new Fault('malformed', 'x509/chain', 'a chain has at least two certificates');
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1] ?? certificate;
    verifyIssuedBy(certificate, issuer);
    const constraints = extensionValue(issuer, OID.basicConstraints);
    const limit = constraints === undefined ? undefined : parseBasicConstraints(constraints).pathLength;
    // A path length counts the intermediates below the certificate that carries it (RFC 5280 §4.2.1.9).
    if (issuer !== certificate && limit !== undefined && index > limit) {
      throw new Fault(
        'unverified',
        'x509/chain',
        `the chain is longer than ${nameText(issuer.subjectDer)} allows`,
      );
    }
  }
}
