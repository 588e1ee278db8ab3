/**
 * Lints of a ceremony's certificate before its key signs it (CEREMONY §3.9, groups S, V, N, K, B, X).
 *
 * They read the bytes that are about to be signed and know nothing of how these were made: a mistake in the
 * profile's table is found here or nowhere. Findings are data; the ceremony stops at any.
 */
import { parsePublicKey, type KeyKind } from '#core/crypto';
import { TAG } from '#core/der';
import { equalOctets, toHex } from '#core/octets';
import {
  extensionValue,
  keyIdentifierOf,
  OID,
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseName,
  parseSubjectKeyIdentifier,
  parseTbs,
  subjectKeyIdentifier,
  type CaRole,
  type Certificate,
  type TbsCertificate,
} from '#core/x509';

export interface Finding {
  readonly lint: string;
  readonly message: string;
}

interface Rule {
  readonly root: boolean;
  readonly ca: boolean;
  readonly pathLength: number | undefined;
  readonly purposes: readonly string[] | undefined;
  readonly purposesCritical: boolean;
  readonly usages: readonly number[];
  readonly kinds: readonly KeyKind[];
  readonly maxYears: number;
}

const CA_USAGES = [5, 6];
const CA_KINDS: readonly KeyKind[] = ['ec-p256', 'ec-p384'];
const ROOT: Rule = {
  root: true,
  ca: true,
  pathLength: undefined,
  purposes: undefined,
  purposesCritical: false,
  usages: CA_USAGES,
  kinds: CA_KINDS,
  maxYears: 25,
};
const INTERMEDIATE: Rule = { ...ROOT, root: false, pathLength: 0, maxYears: 8 };
const RULES: Readonly<Record<CaRole, Rule>> = {
  'code-root': ROOT,
  'time-root': ROOT,
  'code-intermediate': { ...INTERMEDIATE, purposes: [OID.codeSigning] },
  'tsa-intermediate': { ...INTERMEDIATE, purposes: [OID.timeStamping] },
  'tsa-leaf': {
    ...INTERMEDIATE,
    ca: false,
    pathLength: undefined,
    purposes: [OID.timeStamping],
    purposesCritical: true,
    usages: [0],
    kinds: ['ec-p256'],
  },
};

const YEAR_MS = 365.25 * 86_400_000;

/** @param others every certificate this ceremony has made so far */
export function lintCaDraft(
  role: CaRole,
  tbsDer: Uint8Array,
  issuer: Certificate | undefined,
  others: readonly Certificate[],
): Finding[] {
  const findings: Finding[] = [];
  const check = (lint: string, holds: boolean, message: string) => {
    if (!holds) findings.push({ lint, message });
  };
  const rule = RULES[role];
  const tbs = parseTbs(tbsDer);

  check('S1', tbs.version === 3, 'the version is 3');
  check('S2', tbs.serial > 0n && tbs.serialOctets.length <= 20, 'the serial is positive and has at most 20 octets');
  check('S3', tbs.serialOctets.length >= 16, 'the serial has at least 128 bits');
  check('S4', others.every((other) => other.serial !== tbs.serial), 'no serial is used twice');
  lintValidity(tbs, rule, issuer, check);
  lintNames(tbs, rule, issuer, others, check);
  lintKey(tbs, rule, issuer, others, check);
  lintExtensions(tbs, rule, issuer, check);
  return findings;
}

type Check = (lint: string, holds: boolean, message: string) => void;

function lintValidity(tbs: TbsCertificate, rule: Rule, issuer: Certificate | undefined, check: Check): void {
  const lengthMs = tbs.notAfterMs + 1000 - tbs.notBeforeMs;
  check('V2', tbs.notBeforeMs < tbs.notAfterMs, 'the validity begins before it ends');
  check('V3', lengthMs <= rule.maxYears * YEAR_MS + 86_400_000, `the certificate lives at most ${rule.maxYears} years`);
  check('V4', tbs.notAfterMs % 60_000 !== tbs.notBeforeMs % 60_000, 'notAfter is inclusive: it ends a second early');
  if (issuer !== undefined) {
    check('V6', issuer.notBeforeMs <= tbs.notBeforeMs && tbs.notAfterMs <= issuer.notAfterMs, 'it lives within its issuer’s life');
  }
}

function lintNames(
  tbs: TbsCertificate,
  rule: Rule,
  issuer: Certificate | undefined,
  others: readonly Certificate[],
  check: Check,
): void {
  const expectedIssuer = issuer?.subjectDer ?? tbs.subjectDer;
  check('N1', equalOctets(tbs.issuerDer, expectedIssuer) && rule.root === (issuer === undefined), 'the issuer’s name is the issuer’s subject, byte for byte');
  const subject = parseName(tbs.subjectDer);
  const values = subject.flat();
  check('N2', values.length > 0 && values.every(({ value }) => value.length > 0), 'no attribute of the name is empty');
  check(
    'N3',
    values.every(({ tag, value }) => (tag === TAG.UTF8_STRING || tag === TAG.PRINTABLE_STRING) && value[0] !== 0x20 && value.at(-1) !== 0x20 && value.every((octet) => octet >= 0x20)),
    'names are UTF8String or PrintableString without control characters and outer spaces',
  );
  check('N5', subject.every((relativeName) => relativeName.length === 1), 'no relative name has several values');
  check('N6', others.every((other) => !equalOctets(other.subjectDer, tbs.subjectDer)), 'no name is used for two keys');
  check('N7', ['2.5.4.3', '2.5.4.10'].every((oid) => values.some((value) => value.oid === oid)), 'common name and organisation are there');
}

function lintKey(
  tbs: TbsCertificate,
  rule: Rule,
  issuer: Certificate | undefined,
  others: readonly Certificate[],
  check: Check,
): void {
  check('K1', rule.kinds.includes(parsePublicKey(tbs.spki).kind), `the key is of kind ${rule.kinds.join(' or ')}`);
  check('K7', [...others, ...(issuer === undefined ? [] : [issuer])].every((other) => !equalOctets(other.spki, tbs.spki)), 'no key stands in two certificates');
}

function lintExtensions(tbs: TbsCertificate, rule: Rule, issuer: Certificate | undefined, check: Check): void {
  const critical = (oid: string) => tbs.extensions.find((extension) => extension.oid === oid)?.critical;
  const constraints = extensionValue(tbs, OID.basicConstraints);
  const { ca, pathLength } = constraints === undefined ? { ca: false, pathLength: undefined } : parseBasicConstraints(constraints);
  check('B1', ca === rule.ca && (!rule.ca || critical(OID.basicConstraints) === true), 'basic constraints are critical and say what the role is');
  check('B2', pathLength === rule.pathLength, `the path length is ${rule.pathLength ?? 'left open'}`);
  const usage = extensionValue(tbs, OID.keyUsage);
  check(
    'B3',
    usage !== undefined && critical(OID.keyUsage) === true && parseKeyUsage(usage).join() === rule.usages.join(),
    'the key usage is critical and the role’s, no more and no less',
  );
  const purposes = extensionValue(tbs, OID.extendedKeyUsage);
  check('B4', rule.purposes !== undefined || purposes === undefined, 'a root has no extended key usage');
  check(
    'B5',
    rule.purposes === undefined || (purposes !== undefined && parseExtendedKeyUsage(purposes).join() === rule.purposes.join()),
    'the extended key usage is the role’s single purpose',
  );
  check('B6', rule.purposes === undefined || critical(OID.extendedKeyUsage) === rule.purposesCritical, 'the extended key usage is critical on the timestamp leaf, and only there');

  const subjectId = extensionValue(tbs, OID.subjectKeyIdentifier);
  check(
    'X1',
    subjectId !== undefined &&
      critical(OID.subjectKeyIdentifier) === false &&
      toHex(parseSubjectKeyIdentifier(subjectId)) === toHex(keyIdentifierOf(tbs.spki)),
    'the subject key identifier is there, not critical, and the hash of the key',
  );
  const authorityId = extensionValue(tbs, OID.authorityKeyIdentifier);
  if (issuer === undefined) check('X2', authorityId === undefined, 'a root names no authority key');
  else {
    const read = authorityId === undefined ? undefined : parseAuthorityKeyIdentifier(authorityId);
    check(
      'X2',
      read?.keyIdentifier !== undefined &&
        !read.more &&
        critical(OID.authorityKeyIdentifier) === false &&
        equalOctets(read.keyIdentifier, subjectKeyIdentifier(issuer)),
      'the authority key identifier is the issuer’s key, not critical, and nothing more',
    );
  }
  check('X5', new Set(tbs.extensions.map(({ oid }) => oid)).size === tbs.extensions.length, 'no extension stands twice');
}
