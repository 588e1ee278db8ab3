/**
 * What a lint looks at: a certificate taken apart once, with the facts that it may be compared with.
 *
 * Reading never fails here. What cannot be read is `UNREADABLE` or `undefined`, so that the rows which need
 * it can stay silent while the row about readability speaks.
 */
import { DerReader } from '#core/der';
import type { PublicKey } from '#core/crypto';
import { isFault } from '#core/fault';
import { type SignatureScheme, signatureScheme } from './algorithm.js';
import { type Certificate, subjectKey, type TbsCertificate } from './certificate.js';
import type { CaRole } from './draft-ca-certificate.js';
import {
  type AuthorityKeyIdentifier,
  type BasicConstraints,
  type Extension,
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSubjectAltNames,
  parseSubjectKeyIdentifier,
  type SubjectAltName,
} from './extension.js';
import { type NameAttribute, parseName } from './name.js';
import { OID } from './oids.js';

export type LintRole = CaRole | 'precertificate' | 'code-leaf';
export type Severity = 'error' | 'warning' | 'notice';

export interface Finding {
  readonly id: string;
  readonly severity: Severity;
  /** What is wrong, with the values that show it. */
  readonly message: string;
  readonly citation: string;
}

/** What the checks may compare with; what is left out is not checked. */
export interface LintContext {
  readonly role: LintRole;
  /** Certificate of the signing key; for self-signed roots left out. */
  readonly issuer?: Certificate;
  readonly mode?: 'production' | 'rehearsal' | 'evaluation';
  /** Instant for which the signing was planned. */
  readonly plannedAtMs?: number;
  /** Serial numbers already used by this issuer. */
  readonly usedSerials?: ReadonlySet<bigint>;
  /** Hex of SubjectPublicKeyInfo of keys that have another role or had an earlier life. */
  readonly otherKeys?: ReadonlySet<string>;
  /** Hex of subject names that already belong to another key. */
  readonly otherSubjects?: ReadonlySet<string>;
}

/** An extension that is there but cannot be read. */
export const UNREADABLE = Symbol('unreadable');
type Read<T> = T | undefined | typeof UNREADABLE;

/** A certificate in the form in which lints ask about it. */
export interface LintSubject {
  readonly context: LintContext;
  readonly role: LintRole;
  readonly isCa: boolean;
  readonly isLeaf: boolean;
  readonly isRoot: boolean;
  readonly tbs: TbsCertificate;
  /** Only after signing. */
  readonly signed: Certificate | undefined;
  readonly issuer: TbsCertificate;
  /** `undefined` if the key cannot be read. */
  readonly key: PublicKey | undefined;
  readonly issuerKey: PublicKey | undefined;
  readonly scheme: SignatureScheme | undefined;
  readonly subjectName: readonly (readonly NameAttribute[])[] | undefined;
  readonly keyUsage: Read<readonly number[]>;
  readonly purposes: Read<readonly string[]>;
  readonly constraints: Read<BasicConstraints>;
  readonly subjectKeyIdentifier: Read<Uint8Array>;
  readonly authorityKeyIdentifier: Read<AuthorityKeyIdentifier>;
  readonly names: Read<readonly SubjectAltName[]>;
  extension(oid: string): Extension | undefined;
}

export interface Lint {
  readonly id: string;
  readonly severity: Severity;
  /** What must hold. */
  readonly description: string;
  readonly citation: string;
  /** Certificates that the row speaks about; all if left out. */
  readonly roles?: readonly LintRole[];
  /** What is wrong, or `undefined`. */
  check(subject: LintSubject): string | undefined;
}

export function subjectOf(
  tbs: TbsCertificate,
  signed: Certificate | undefined,
  context: LintContext,
): LintSubject {
  const { role } = context;
  const extension = (oid: string): Extension | undefined =>
    tbs.extensions.find((candidate) => candidate.oid === oid);
  const read = <T>(oid: string, parse: (value: Uint8Array) => T): Read<T> => {
    const found = extension(oid);
    return found === undefined ? undefined : (attempt(() => parse(found.value)) ?? UNREADABLE);
  };
  const isRoot = role === 'code-root' || role === 'time-root';
  const issuer = context.issuer ?? tbs;
  return {
    context,
    role,
    isRoot,
    isCa: isRoot || role === 'code-intermediate' || role === 'tsa-intermediate',
    isLeaf: role === 'precertificate' || role === 'code-leaf',
    tbs,
    signed,
    issuer,
    key: attempt(() => subjectKey(tbs)),
    issuerKey: attempt(() => subjectKey(issuer)),
    scheme: signatureScheme(tbs.signatureAlgorithm),
    subjectName: attempt(() => parseName(tbs.subjectDer)),
    keyUsage: read(OID.keyUsage, parseKeyUsage),
    purposes: read(OID.extendedKeyUsage, parseExtendedKeyUsage),
    constraints: read(OID.basicConstraints, parseBasicConstraints),
    subjectKeyIdentifier: read(OID.subjectKeyIdentifier, parseSubjectKeyIdentifier),
    authorityKeyIdentifier: read(OID.authorityKeyIdentifier, parseAuthorityKeyIdentifier),
    names: read(OID.subjectAltName, parseSubjectAltNames),
    extension,
  };
}

/** The value, or `undefined` where a Fault says that it cannot be read. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isFault(error)) return undefined;
    throw error;
  }
}

/** Whether `value` is one UTF8String and nothing else. */
export function isUtf8String(value: Uint8Array): boolean {
  return (
    attempt(() => {
      const reader = new DerReader(value);
      reader.utf8();
      reader.finish();
      return true;
    }) ?? false
  );
}
