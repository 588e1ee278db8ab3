/** Writing and reading the extensions of RFC 5280 §4.2 that Airseal uses. */
import {
  bitString,
  boolean,
  contextConstructed,
  contextPrimitive,
  DerReader,
  explicit,
  ia5Content,
  implicitPrimitive,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  readSequence,
  sequence,
  utf8String,
} from '#core/der';
import { Fault } from '#core/fault';
import { toUtf8 } from '#core/octets';
import { FULCIO_USERNAME_OID, OID } from './oids.js';

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of extnValue's OCTET STRING. */
  readonly value: Uint8Array;
}

/** One DER Extension; `critical` is written only when true, as DER wants defaults. */
export function formatExtension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** Bit numbers of KeyUsage (RFC 5280 §4.2.1.3). */
export const KEY_USAGE = { digitalSignature: 0, keyCertSign: 5, crlSign: 6 } as const;

export function formatKeyUsage(...bits: readonly number[]): Uint8Array {
  return formatExtension(OID.keyUsage, true, namedBits(...bits));
}

/** Bit numbers that are set. @throws {Fault} der/bits unless trailing zero bits are dropped (X.690 §11.2.2) */
export function parseKeyUsage(value: Uint8Array): number[] {
  const reader = new DerReader(value);
  const { octets, unused } = reader.bits();
  reader.finish();
  if (((octets.at(-1) ?? 1) >> unused) % 2 === 0) {
    throw new Fault('malformed', 'der/bits', 'a list of named bits ends with one that is set');
  }
  const set: number[] = [];
  for (let bit = 0; bit < octets.length * 8 - unused; bit++) {
    if (((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) set.push(bit);
  }
  return set;
}

export function formatExtendedKeyUsage(critical: boolean, ...purposes: readonly string[]): Uint8Array {
  return formatExtension(OID.extendedKeyUsage, critical, sequence(...purposes.map(objectIdentifier)));
}

export function parseExtendedKeyUsage(value: Uint8Array): string[] {
  return readSequence(value, (members) => {
    const purposes: string[] = [];
    while (!members.atEnd) purposes.push(members.oid());
    return purposes;
  });
}

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength: number | undefined;
}

/** BasicConstraints of a CA, critical. */
export function formatCaConstraint(pathLength?: number): Uint8Array {
  const members = [boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)])];
  return formatExtension(OID.basicConstraints, true, sequence(...members));
}

export function parseBasicConstraints(value: Uint8Array): BasicConstraints {
  return readSequence(value, (members) => ({
    ca: members.booleanDefaultFalse(),
    pathLength: members.atEnd ? undefined : members.smallInteger(),
  }));
}

export function formatSubjectKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return formatExtension(OID.subjectKeyIdentifier, false, octetString(identifier));
}

export function parseSubjectKeyIdentifier(value: Uint8Array): Uint8Array {
  const reader = new DerReader(value);
  const identifier = reader.octets();
  reader.finish();
  return identifier;
}

/** AuthorityKeyIdentifier of the keyIdentifier form only. */
export function formatAuthorityKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return formatExtension(OID.authorityKeyIdentifier, false, sequence(implicitPrimitive(0, identifier)));
}

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier: Uint8Array | undefined;
  /** Whether it also names issuer and serial, which our profiles forbid. */
  readonly more: boolean;
}

export function parseAuthorityKeyIdentifier(value: Uint8Array): AuthorityKeyIdentifier {
  return readSequence(value, (members) => {
    const keyIdentifier = members.optional(contextPrimitive(0), (reader) => reader.element().content);
    const more = !members.atEnd;
    while (!members.atEnd) members.element();
    return { keyIdentifier, more };
  });
}

/** Names that Fulcio writes; `other` is what else a foreign certificate may hold. */
export type SubjectAltName =
  | { readonly kind: 'email' | 'uri' | 'dns' | 'username'; readonly value: string }
  | { readonly kind: 'other'; readonly tag: number; readonly content: Uint8Array };

/** The kinds of name that a leaf of ours can carry (CONTRACTS §1.6). */
export type LeafName = { readonly kind: 'email' | 'uri' | 'username'; readonly value: string };

const [OTHER_NAME, EMAIL, DNS, URI] = [
  contextConstructed(0),
  contextPrimitive(1),
  contextPrimitive(2),
  contextPrimitive(6),
];

/**
 * SubjectAltName with exactly one name; critical, since the subject is empty (RFC 5280 §4.2.1.6).
 *
 * @throws {Fault} x509/san-empty, der/text if an e-mail address or URI is not ASCII
 */
export function formatLeafName({ kind, value }: LeafName): Uint8Array {
  if (value === '')
    throw new Fault('refused', 'x509/san-empty', 'a certificate cannot be issued to an empty name');
  const name =
    kind === 'username'
      ? explicit(0, objectIdentifier(FULCIO_USERNAME_OID), explicit(0, utf8String(value)))
      : implicitPrimitive(kind === 'email' ? 1 : 6, ia5Content(value));
  return formatExtension(OID.subjectAltName, true, sequence(name));
}

export function parseSubjectAltNames(value: Uint8Array): SubjectAltName[] {
  return readSequence(value, (members) => {
    const names: SubjectAltName[] = [];
    while (!members.atEnd) names.push(parseGeneralName(members));
    return names;
  });
}

function parseGeneralName(members: DerReader): SubjectAltName {
  const { tag, content } = members.element();
  if (tag === EMAIL) return { kind: 'email', value: toUtf8(content) };
  if (tag === DNS) return { kind: 'dns', value: toUtf8(content) };
  if (tag === URI) return { kind: 'uri', value: toUtf8(content) };
  if (tag === OTHER_NAME) {
    const other = new DerReader(content);
    if (other.oid() === FULCIO_USERNAME_OID) {
      const wrapped = other.explicit(0);
      const name = wrapped.utf8();
      wrapped.finish();
      other.finish();
      return { kind: 'username', value: name };
    }
  }
  return { kind: 'other', tag, content };
}

/** SubjectPublicKeyInfo's two parts. @throws {Fault} der/… */
export function parseSpki(spki: Uint8Array): { readonly algorithm: Uint8Array; readonly bits: Uint8Array } {
  return readSequence(spki, (members) => {
    const algorithm = members.expect(0x30).encoding;
    return { algorithm, bits: members.wholeBits() };
  });
}

/** SIGNED{…}: TBS, algorithm, signature, as certificates, requests and CRLs end (RFC 5280 §4.1). */
export function assembleCertificate(
  tbs: Uint8Array,
  algorithm: Uint8Array,
  signature: Uint8Array,
): Uint8Array {
  return sequence(tbs, algorithm, bitString(signature));
}
