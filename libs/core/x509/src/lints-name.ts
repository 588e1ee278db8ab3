/** Group N: subject and issuer names. */
import { TAG } from '#core/der';
import { equalOctets, toHex, toUtf8 } from '#core/octets';
import { attempt, type Lint, type LintRole, type LintSubject } from './lint-subject.js';
import type { NameAttribute } from './name.js';

const NAMED: readonly LintRole[] = [
  'code-root',
  'time-root',
  'code-intermediate',
  'tsa-intermediate',
  'tsa-leaf',
];
const COUNTRY = '2.5.4.6';
const ORGANISATION = '2.5.4.10';
const COMMON_NAME = '2.5.4.3';
/** Upper bounds of X.520; the ASN.1 of RFC 5280 appendix A repeats them. */
const LONGEST = 64;

/** The first complaint about an attribute of the subject. */
function eachAttribute(complain: (attribute: NameAttribute) => string | undefined) {
  return ({ subjectName }: LintSubject): string | undefined => {
    for (const attribute of subjectName?.flat() ?? []) {
      const complaint = complain(attribute);
      if (complaint !== undefined) return `${complaint} (attribute ${attribute.oid})`;
    }
    return undefined;
  };
}

export const NAME_LINTS: readonly Lint[] = [
  {
    id: 'N1',
    severity: 'error',
    description: 'the issuer is, byte for byte, the subject of the issuing certificate',
    citation: 'RFC 5280 §4.1.2.4, §7.1',
    check: ({ tbs, issuer }) =>
      equalOctets(tbs.issuerDer, issuer.subjectDer)
        ? undefined
        : 'the issuer is not the subject of the issuing certificate',
  },
  {
    id: 'N2',
    severity: 'error',
    description: 'no attribute of the subject is empty',
    citation: 'RFC 5280 §4.1.2.4; X.520',
    roles: NAMED,
    check: eachAttribute(({ value }) => (value.length === 0 ? 'a part of the subject is empty' : undefined)),
  },
  {
    id: 'N3',
    severity: 'error',
    description:
      'attributes are UTF8String or PrintableString without control characters, outer spaces or excess length',
    citation: 'RFC 5280 §4.1.2.4, appendix A.1',
    roles: NAMED,
    check: eachAttribute(({ oid, tag, value }) => {
      if (oid === COUNTRY) return undefined;
      const text = attempt(() => toUtf8(value));
      if (text === undefined || (tag !== TAG.UTF8_STRING && tag !== TAG.PRINTABLE_STRING)) {
        return 'a part of the subject is of another string type';
      }
      if (text !== text.trim() || /\p{Cc}/u.test(text))
        return 'a part of the subject has outer spaces or control characters';
      return text.length > LONGEST ? `a part of the subject has more than ${LONGEST} characters` : undefined;
    }),
  },
  {
    id: 'N4',
    severity: 'error',
    description: 'a country is two upper-case letters in a PrintableString',
    citation: 'RFC 5280 appendix A.1',
    roles: NAMED,
    check: eachAttribute(({ oid, tag, value }) =>
      oid === COUNTRY &&
      value.length > 0 &&
      (tag !== TAG.PRINTABLE_STRING || !/^[A-Z]{2}$/.test(attempt(() => toUtf8(value)) ?? ''))
        ? 'the country is not two upper-case letters'
        : undefined,
    ),
  },
  {
    id: 'N5',
    severity: 'error',
    description: 'no relative name has several attributes',
    citation: 'CEREMONY N5',
    roles: NAMED,
    check: ({ subjectName }) =>
      subjectName?.some((attributes) => attributes.length !== 1) === true
        ? 'a part of the subject has several values'
        : undefined,
  },
  {
    id: 'N6',
    severity: 'error',
    description: 'the subject never belonged to another key',
    citation: 'CEREMONY N6; RFC 5280 §4.1.2.6',
    roles: NAMED,
    check: ({ tbs, context }) =>
      context.otherSubjects?.has(toHex(tbs.subjectDer)) === true
        ? 'the subject belongs to another key'
        : undefined,
  },
  {
    id: 'N7',
    severity: 'error',
    description: 'the subject has an organisation and a common name',
    citation: 'Fulcio certificate specification; RFC 5280 §4.1.2.6',
    roles: NAMED,
    check: ({ subjectName }) => {
      const present = new Set(subjectName?.flat().map(({ oid }) => oid));
      return present.has(ORGANISATION) && present.has(COMMON_NAME)
        ? undefined
        : 'the subject lacks organisation or common name';
    },
  },
];
