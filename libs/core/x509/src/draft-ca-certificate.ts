/**
 * Drafts the certificates that ceremonies sign: two roots, and what stands below them (CONTRACTS §1.6, §5.4).
 *
 * The two hierarchies are apart because intermediates for code signing and for timestamps must carry different
 * extended key usages, and because clients trust them for different statements. Nothing here can be chosen
 * except names, keys and dates: what a role may do is decided by its row in the table.
 */
import { explicit, integer, sequence, time } from '#core/der';
import { Fault } from '#core/fault';
import { algorithmIdentifier, type SignatureAlgorithm } from './algorithm.js';
import { type Certificate, keyIdentifierOf, subjectKeyIdentifier } from './certificate.js';
import { REHEARSAL_MARK, serialInteger } from './draft-leaf.js';
import {
  formatAuthorityKeyIdentifier,
  formatCaConstraint,
  formatExtendedKeyUsage,
  formatKeyUsage,
  formatSubjectKeyIdentifier,
  KEY_USAGE,
} from './extension.js';
import { type DistinguishedName, formatName } from './name.js';
import { OID } from './oids.js';

export type CaRole = 'code-root' | 'code-intermediate' | 'time-root' | 'tsa-intermediate' | 'tsa-leaf';

export interface CaCertificateProfile {
  readonly role: CaRole;
  /** Random octets, 16 to 20, from the token. */
  readonly serial: Uint8Array;
  readonly subject: DistinguishedName;
  /** Certificate of the key that will sign; leave out for the two roots, which sign themselves. */
  readonly issuer?: Certificate;
  /** Algorithm of the key that will sign. */
  readonly signatureAlgorithm: SignatureAlgorithm;
  /** SubjectPublicKeyInfo of the subject. */
  readonly spki: Uint8Array;
  readonly notBeforeMs: number;
  /**
   * The first instant at which the certificate is no longer valid. notAfter is inclusive (RFC 5280 §4.1.2.5),
   * so the second before is written; otherwise three years would be three years and a second.
   */
  readonly untilMs: number;
  /** Adds the critical extension that makes the certificate unusable. */
  readonly rehearsal?: boolean;
}

export interface CaDraft {
  readonly role: CaRole;
  /** To be linted, then signed once. */
  readonly tbs: Uint8Array;
  /** AlgorithmIdentifier for assembleCertificate. */
  readonly signatureAlgorithm: Uint8Array;
}

const CA_KEY_USAGE = formatKeyUsage(KEY_USAGE.keyCertSign, KEY_USAGE.crlSign);

/** What each role may do; the extensions in the order in which they are written. */
const POWERS: Readonly<
  Record<CaRole, { readonly selfSigned: boolean; readonly extensions: readonly Uint8Array[] }>
> = {
  'code-root': { selfSigned: true, extensions: [CA_KEY_USAGE, formatCaConstraint()] },
  'code-intermediate': {
    selfSigned: false,
    extensions: [CA_KEY_USAGE, formatExtendedKeyUsage(false, OID.codeSigning), formatCaConstraint(0)],
  },
  'time-root': { selfSigned: true, extensions: [CA_KEY_USAGE, formatCaConstraint()] },
  'tsa-intermediate': {
    selfSigned: false,
    extensions: [CA_KEY_USAGE, formatExtendedKeyUsage(false, OID.timeStamping), formatCaConstraint(0)],
  },
  // RFC 3161 §2.3: exactly this purpose, and critical.
  'tsa-leaf': {
    selfSigned: false,
    extensions: [formatKeyUsage(KEY_USAGE.digitalSignature), formatExtendedKeyUsage(true, OID.timeStamping)],
  },
};

/** @throws {Fault} x509/issuer-missing if the role needs an issuer and has none, or signs itself and has one */
export function draftCaCertificate(profile: CaCertificateProfile): CaDraft {
  const { role, issuer, spki } = profile;
  const powers = POWERS[role];
  if (powers.selfSigned === (issuer !== undefined)) {
    throw new Fault(
      'refused',
      'x509/issuer-missing',
      powers.selfSigned ? `a ${role} signs itself: leave out the issuer` : `name the issuer of the ${role}`,
    );
  }
  const subjectDer = formatName(profile.subject);
  const signatureAlgorithm = algorithmIdentifier(profile.signatureAlgorithm);
  const extensions = [
    ...powers.extensions,
    formatSubjectKeyIdentifier(keyIdentifierOf(spki)),
    ...(issuer === undefined ? [] : [formatAuthorityKeyIdentifier(subjectKeyIdentifier(issuer))]),
    ...(profile.rehearsal === true ? [REHEARSAL_MARK] : []),
  ];
  const tbs = sequence(
    explicit(0, integer(2)),
    serialInteger(profile.serial),
    signatureAlgorithm,
    issuer?.subjectDer ?? subjectDer,
    sequence(time(profile.notBeforeMs), time(profile.untilMs - 1000)),
    subjectDer,
    spki,
    explicit(3, sequence(...extensions)),
  );
  return { role, tbs, signatureAlgorithm };
}
