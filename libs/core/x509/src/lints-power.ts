/** Groups B and X: what a certificate may do, and its extensions in general. */
import { verifyDer } from '#core/der';
import { equalOctets } from '#core/octets';
import { keyIdentifierOf, subjectKeyIdentifier, type TbsCertificate, extensionValue } from './certificate.js';
import { KEY_USAGE, parseExtendedKeyUsage } from './extension.js';
import { attempt, type Lint, type LintRole, UNREADABLE } from './lint-subject.js';
import { FULCIO_BY_OID, OID } from './oids.js';

const CAS: readonly LintRole[] = ['code-root', 'time-root', 'code-intermediate', 'tsa-intermediate'];
const ROOTS: readonly LintRole[] = ['code-root', 'time-root'];
const ENDS: readonly LintRole[] = ['tsa-leaf', 'precertificate', 'code-leaf'];

/** Extensions that we know, and whether they are critical; `undefined` where it depends on the role. */
const CRITICAL: ReadonlyMap<string, boolean | undefined> = new Map<string, boolean | undefined>([
  [OID.keyUsage, true],
  [OID.basicConstraints, true],
  [OID.extendedKeyUsage, undefined],
  [OID.subjectKeyIdentifier, false],
  [OID.authorityKeyIdentifier, false],
  [OID.subjectAltName, true],
  [OID.nameConstraints, true],
  [OID.certificatePolicies, false],
  [OID.crlDistributionPoints, false],
  [OID.authorityInfoAccess, false],
  [OID.precertificatePoison, true],
  [OID.sctList, false],
  [OID.rehearsal, true],
  ...[...FULCIO_BY_OID.keys()].map((oid): [string, boolean] => [oid, false]),
]);

function purposesOf(certificate: TbsCertificate): readonly string[] | undefined {
  const value = extensionValue(certificate, OID.extendedKeyUsage);
  return value === undefined ? undefined : attempt(() => parseExtendedKeyUsage(value));
}

function sameSet<T>(found: readonly T[], wanted: readonly T[]): boolean {
  return found.length === wanted.length && wanted.every((member) => found.includes(member));
}

export const POWER_LINTS: readonly Lint[] = [
  {
    id: 'B1',
    severity: 'error',
    description: 'a CA says so in basic constraints; an end entity says nothing or no',
    citation: 'RFC 5280 §4.2.1.9',
    check: ({ constraints, isCa }) => {
      if (constraints === UNREADABLE) return undefined;
      if (isCa) return constraints?.ca === true ? undefined : 'the certificate of a CA does not say so';
      return constraints === undefined ? undefined : 'an end entity has basic constraints';
    },
  },
  {
    id: 'B2',
    severity: 'error',
    description: 'an intermediate has path length 0; a root none, or at least 2',
    citation: 'CEREMONY B2; Fulcio certificate specification',
    roles: CAS,
    check: ({ constraints, isRoot }) => {
      if (constraints === undefined || constraints === UNREADABLE || !constraints.ca) return undefined;
      const { pathLength } = constraints;
      const holds = isRoot ? pathLength === undefined || pathLength >= 2 : pathLength === 0;
      return holds ? undefined : `the path length is ${pathLength ?? 'missing'}`;
    },
  },
  {
    id: 'B3',
    severity: 'error',
    description:
      'a CA may sign certificates and revocation lists, an end entity may sign data, and nothing else',
    citation: 'RFC 5280 §4.2.1.3; CONTRACTS §1.6, §5.4',
    check: ({ keyUsage, isCa }) => {
      if (keyUsage === UNREADABLE) return undefined;
      const wanted = isCa ? [KEY_USAGE.keyCertSign, KEY_USAGE.crlSign] : [KEY_USAGE.digitalSignature];
      return keyUsage !== undefined && sameSet<number>(keyUsage, wanted)
        ? undefined
        : 'the key usage is not that of the role';
    },
  },
  {
    id: 'B4',
    severity: 'error',
    description: 'a root has no extended key usage',
    citation: 'CEREMONY B4; CONTRACTS §1.6',
    roles: ROOTS,
    check: ({ purposes }) => (purposes === undefined ? undefined : 'a root has an extended key usage'),
  },
  {
    id: 'B5',
    severity: 'error',
    description: 'the code-signing intermediate and its leaves have the purpose code signing only',
    citation: 'Fulcio certificate specification; CONTRACTS §1.6',
    roles: ['code-intermediate', 'precertificate', 'code-leaf'],
    check: ({ purposes }) =>
      purposes === UNREADABLE || (purposes !== undefined && sameSet<string>(purposes, [OID.codeSigning]))
        ? undefined
        : 'the purpose is not code signing alone',
  },
  {
    id: 'B6',
    severity: 'error',
    description: 'a timestamp leaf has exactly the purpose timestamping, critical',
    citation: 'RFC 3161 §2.3; CONTRACTS §5.4',
    roles: ['tsa-leaf'],
    check: ({ purposes, extension }) => {
      if (purposes === UNREADABLE) return undefined;
      const holds = purposes !== undefined && sameSet<string>(purposes, [OID.timeStamping]);
      return holds && extension(OID.extendedKeyUsage)?.critical === true
        ? undefined
        : 'the purpose is not timestamping alone, critical';
    },
  },
  {
    id: 'B7',
    severity: 'error',
    description: 'a timestamp intermediate has the purpose timestamping only',
    citation: 'CONTRACTS §5.4',
    roles: ['tsa-intermediate'],
    check: ({ purposes }) =>
      purposes === UNREADABLE || (purposes !== undefined && sameSet<string>(purposes, [OID.timeStamping]))
        ? undefined
        : 'the purpose is not timestamping alone',
  },
  {
    id: 'B8',
    severity: 'error',
    description: "every purpose is also one of the issuer's, where the issuer names purposes",
    citation: 'CEREMONY B8',
    check: ({ purposes, issuer, tbs }) => {
      const allowed = issuer === tbs ? undefined : purposesOf(issuer);
      if (allowed === undefined || purposes === undefined || purposes === UNREADABLE) return undefined;
      return purposes.every((purpose) => allowed.includes(purpose))
        ? undefined
        : "a purpose is not among the issuer's";
    },
  },
  {
    id: 'X1',
    severity: 'error',
    description: 'the subject key identifier is the SHA-1 of the key bits',
    citation: 'RFC 5280 §4.2.1.2; CONTRACTS §1.6',
    check: ({ subjectKeyIdentifier: found, tbs }) => {
      const wanted = attempt(() => keyIdentifierOf(tbs.spki));
      if (found === UNREADABLE || wanted === undefined) return undefined;
      return found !== undefined && equalOctets(found, wanted)
        ? undefined
        : 'the subject key identifier does not name the key';
    },
  },
  {
    id: 'X2',
    severity: 'error',
    description:
      "the authority key identifier is the issuer's subject key identifier and nothing more; a root may leave it out",
    citation: 'RFC 5280 §4.2.1.1; CONTRACTS §1.6',
    check: ({ authorityKeyIdentifier: found, issuer, isRoot }) => {
      if (found === UNREADABLE || (isRoot && found === undefined)) return undefined;
      const wanted = attempt(() => subjectKeyIdentifier(issuer));
      if (wanted === undefined) return undefined;
      const holds =
        found?.keyIdentifier !== undefined && !found.more && equalOctets(found.keyIdentifier, wanted);
      return holds ? undefined : "the authority key identifier does not name the issuer's key";
    },
  },
  {
    id: 'X3',
    severity: 'error',
    description: 'no name constraints: sigstore-js does not read them, so nothing may rest on them',
    citation: 'CEREMONY X3',
    check: ({ extension }) =>
      extension(OID.nameConstraints) === undefined ? undefined : 'there are name constraints',
  },
  {
    id: 'X4',
    severity: 'error',
    description: 'no certificate policies',
    citation: 'CEREMONY X4',
    check: ({ extension }) =>
      extension(OID.certificatePolicies) === undefined ? undefined : 'there are certificate policies',
  },
  {
    id: 'X5',
    severity: 'error',
    description:
      'every extension is known, stands once, is critical exactly when it should be, and is canonical DER',
    citation: 'RFC 5280 §4.2; X.690 §10',
    check: (subject) => {
      const {
        tbs,
        keyUsage,
        purposes,
        constraints,
        subjectKeyIdentifier: own,
        authorityKeyIdentifier,
        names,
      } = subject;
      if ([keyUsage, purposes, constraints, own, authorityKeyIdentifier, names].includes(UNREADABLE)) {
        return 'an extension cannot be read';
      }
      const seen = new Set<string>();
      for (const { oid, critical, value } of tbs.extensions) {
        if (seen.has(oid)) return `the extension ${oid} stands twice`;
        seen.add(oid);
        if (!CRITICAL.has(oid)) return `the extension ${oid} is unknown`;
        const wanted = CRITICAL.get(oid);
        if (wanted !== undefined && wanted !== critical)
          return `the extension ${oid} is ${wanted ? 'not ' : ''}critical`;
        if (FULCIO_BY_OID.has(oid)) continue;
        if (attempt(() => (verifyDer(value), true)) === undefined) return `the extension ${oid} is not DER`;
      }
      return undefined;
    },
  },
  {
    id: 'X6',
    severity: 'notice',
    description: 'nothing points to a network that is not there',
    citation: 'CEREMONY X6',
    check: ({ extension }) =>
      [OID.crlDistributionPoints, OID.authorityInfoAccess].some((oid) => extension(oid) !== undefined)
        ? 'the certificate points to a network address'
        : undefined,
  },
  {
    id: 'X7',
    severity: 'error',
    description: 'the rehearsal mark is there exactly in a rehearsal',
    citation: 'CEREMONY §3.8, X7',
    check: ({ extension, context: { mode } }) => {
      if (mode === undefined) return undefined;
      const marked = extension(OID.rehearsal) !== undefined;
      if (marked === (mode === 'rehearsal')) return undefined;
      return marked ? 'a rehearsal mark outside of a rehearsal' : 'a rehearsal without its mark';
    },
  },
  {
    id: 'X8',
    severity: 'error',
    description: 'an end entity of the timestamp authority and every CA has no alternative names',
    citation: 'CONTRACTS §5.4; Fulcio certificate specification',
    roles: [...CAS, 'tsa-leaf'],
    check: ({ extension }) =>
      extension(OID.subjectAltName) === undefined ? undefined : 'there are alternative names',
  },
  {
    id: 'X9',
    severity: 'error',
    description: 'the purpose of everything but a timestamp leaf is not critical',
    citation: 'CONTRACTS §1.6; CA/B Baseline Requirements §7.1.2',
    roles: [...CAS, ...ENDS.filter((role) => role !== 'tsa-leaf')],
    check: ({ extension }) =>
      extension(OID.extendedKeyUsage)?.critical === true ? 'the purpose is critical' : undefined,
  },
];
