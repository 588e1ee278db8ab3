/** Group F: what Fulcio's profile says about leaves beyond RFC 5280. */
import { equalOctets, toUtf8 } from '#core/octets';
import { sequence } from '#core/der';
import { attempt, isUtf8String, type Lint, type LintRole, UNREADABLE } from './lint-subject.js';
import { FULCIO, FULCIO_BY_OID, OID } from './oids.js';
import { extensionValue, fulcioExtensions } from './certificate.js';

const LEAVES: readonly LintRole[] = ['precertificate', 'code-leaf'];
const EMPTY_NAME = sequence();

/** The order in which Fulcio's Go CA writes extensions (CONTRACTS §1.6). */
const ORDER: readonly string[] = [
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
  OID.subjectAltName,
  ...FULCIO_BY_OID.keys(),
  OID.rehearsal,
  OID.precertificatePoison,
  OID.sctList,
];

export const LEAF_LINTS: readonly Lint[] = [
  {
    id: 'F1',
    severity: 'error',
    description: 'the subject is empty',
    citation: 'Fulcio certificate specification',
    roles: LEAVES,
    check: ({ tbs }) => (equalOctets(tbs.subjectDer, EMPTY_NAME) ? undefined : 'the subject is not empty'),
  },
  {
    id: 'F2',
    severity: 'error',
    description: 'there is exactly one alternative name: an e-mail address, a URI or a user name',
    citation: 'Fulcio certificate specification; CONTRACTS §1.6',
    roles: LEAVES,
    check: ({ names }) => {
      if (names === UNREADABLE) return undefined;
      const [name, ...more] = names ?? [];
      if (name === undefined || more.length > 0) return `there are ${names?.length ?? 0} alternative names`;
      return name.kind === 'other' || name.kind === 'dns'
        ? 'the alternative name is of another kind'
        : undefined;
    },
  },
  {
    id: 'F3',
    severity: 'error',
    description: 'the identity issuer stands in both spellings, and they agree',
    citation: 'CONTRACTS §0.3 rule 3',
    roles: LEAVES,
    check: ({ tbs }) => {
      const raw = extensionValue(tbs, FULCIO.issuer.oid);
      const texts = attempt(() => fulcioExtensions(tbs));
      if (texts === undefined) return undefined;
      const both =
        raw !== undefined && raw.length > 0 && texts.get(FULCIO.issuerV2.oid) === attempt(() => toUtf8(raw));
      return both ? undefined : 'the two issuer extensions are not both there with one value';
    },
  },
  {
    id: 'F4',
    severity: 'error',
    description: "Fulcio's extensions from .8 on hold a UTF8String, earlier ones raw text, and none is empty",
    citation: 'Fulcio OID information; CONTRACTS §1.7',
    roles: LEAVES,
    check: ({ tbs }) => {
      for (const { oid, value } of tbs.extensions) {
        const known = FULCIO_BY_OID.get(oid);
        if (known === undefined) continue;
        const holds =
          known.encoding === 'raw' ? attempt(() => toUtf8(value)) !== undefined : isUtf8String(value);
        if (!holds || value.length === 0)
          return `the extension ${known.title} is not encoded as it should be`;
      }
      return undefined;
    },
  },
  {
    id: 'F5',
    severity: 'error',
    description: "extensions stand in Fulcio's order, so that clients which re-encode get the same bytes",
    citation: 'CONTRACTS §1.6',
    roles: LEAVES,
    check: ({ tbs }) => {
      const places = tbs.extensions.map(({ oid }) => ORDER.indexOf(oid)).filter((place) => place >= 0);
      return places.every((place, index) => index === 0 || place >= (places[index - 1] ?? 0))
        ? undefined
        : 'the extensions are not in the order of the profile';
    },
  },
  {
    id: 'F6',
    severity: 'error',
    description:
      'a precertificate has the poison and no promise; a final certificate has the promise and no poison',
    citation: 'RFC 6962 §3.1, §3.3',
    roles: LEAVES,
    check: ({ role, extension }) => {
      const poisoned = extension(OID.precertificatePoison) !== undefined;
      const promised = extension(OID.sctList) !== undefined;
      if (role === 'precertificate') return poisoned && !promised ? undefined : 'not a precertificate';
      return promised && !poisoned ? undefined : 'not a final certificate';
    },
  },
  {
    id: 'F7',
    severity: 'error',
    description: 'the serial number of a leaf is not that of its issuer',
    citation: 'RFC 5280 §4.1.2.2',
    roles: LEAVES,
    check: ({ tbs, issuer }) =>
      tbs.serial === issuer.serial ? "the serial number is the issuer's" : undefined,
  },
];
