/**
 * Drafts the certificate that a signer gets: Fulcio's profile, written directly as DER.
 *
 * A leaf is signed twice: as a precertificate with a poison, and as the final certificate with the promise of
 * the certificate log in the poison's place. The log promises for what both have in common, so everything
 * they share is encoded once, here, and the two forms are cut from the same bytes: they cannot differ.
 *
 * Extension order is that of Fulcio's Go CA (CONTRACTS §1.6): key usage, extended key usage, SKI, AKI, SAN,
 * Fulcio's own by number, then poison or SCT list. sigstore-js, -rs and -java re-encode the TBS when they
 * verify the promise, and order is what they cannot restore.
 *
 * This is the hot path (two of these per issuance), which is why it does not build objects first.
 */
import {
  DerReader,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  time,
  unsignedInteger,
  utf8String,
} from '#core/der';
import { Fault } from '#core/fault';
import { fromUtf8 } from '#core/octets';
import { algorithmIdentifier, type SignatureAlgorithm } from './algorithm.js';
import { type Certificate, keyIdentifierOf, subjectKeyIdentifier } from './certificate.js';
import {
  formatAuthorityKeyIdentifier,
  formatExtendedKeyUsage,
  formatExtension,
  formatKeyUsage,
  formatLeafName,
  formatSubjectKeyIdentifier,
  KEY_USAGE,
  type LeafName,
} from './extension.js';
import { FULCIO, FULCIO_BY_OID, type FulcioExtension, OID } from './oids.js';

export interface LeafProfile {
  /** Random octets, at least 16 and at most 20; the top bit is cleared to make the number positive. */
  readonly serial: Uint8Array;
  readonly issuer: Certificate;
  /** Algorithm of the issuer's key. */
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly notBeforeMs: number;
  /** Written as it is: Fulcio's leaves say notBefore plus ten minutes. */
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo of the signer, canonical DER. */
  readonly spki: Uint8Array;
  readonly name: LeafName;
  /** The identity issuer; written as `.1` (raw) and `.8` (UTF8String). */
  readonly oidcIssuer: string;
  /**
   * Further Fulcio extensions as dotted OID and text, in any order; empty texts are left out. The two issuer
   * OIDs may be among them only with the value of `oidcIssuer`.
   */
  readonly extensions: Iterable<readonly [oid: string, value: string]>;
  /** Adds the critical extension that makes the certificate unusable. */
  readonly rehearsal?: boolean;
}

export interface LeafDraft {
  readonly signatureAlgorithm: Uint8Array;
  /** The TBS with the poison: what is signed first and sent to the certificate log. */
  tbsPrecert(): Uint8Array;
  /** The TBS without poison and without SCT list: what the log's promise covers (RFC 6962 §3.2). */
  tbsLogged(): Uint8Array;
  /** The TBS of the final certificate; `sctList` is the extension's value, as `sctListExtension` makes it. */
  tbsFinal(sctList: Uint8Array): Uint8Array;
}

const VERSION_3 = explicit(0, integer(2));
const EMPTY_NAME = sequence();
const LEAF_KEY_USAGE = formatKeyUsage(KEY_USAGE.digitalSignature);
const LEAF_PURPOSE = formatExtendedKeyUsage(false, OID.codeSigning);
const POISON = formatExtension(OID.precertificatePoison, true, nullValue());
/** Unknown on purpose; its content says nothing because nobody may act on it. */
export const REHEARSAL_MARK = formatExtension(OID.rehearsal, true, nullValue());

/** Serial numbers are positive and at most 20 octets (RFC 5280 §4.1.2.2). */
export function serialInteger(random: Uint8Array): Uint8Array {
  if (random.length < 16 || random.length > 20)
    throw new RangeError('a serial number is made of 16 to 20 random octets');
  const positive = Uint8Array.from(random);
  positive[0] = (positive[0] ?? 0) & 0x7f;
  return unsignedInteger(positive);
}

/**
 * @throws {Fault} x509/extension for an OID that is not Fulcio's, given twice, or contradicting `oidcIssuer`;
 *   x509/san-empty; der/text if the name does not fit its kind
 */
export function draftLeaf(profile: LeafProfile): LeafDraft {
  const signatureAlgorithm = algorithmIdentifier(profile.signatureAlgorithm);
  const before = [
    VERSION_3,
    serialInteger(profile.serial),
    signatureAlgorithm,
    profile.issuer.subjectDer,
    sequence(time(profile.notBeforeMs), time(profile.notAfterMs)),
    EMPTY_NAME,
    profile.spki,
  ];
  const shared = [
    LEAF_KEY_USAGE,
    LEAF_PURPOSE,
    formatSubjectKeyIdentifier(keyIdentifierOf(profile.spki)),
    formatAuthorityKeyIdentifier(subjectKeyIdentifier(profile.issuer)),
    formatLeafName(profile.name),
    ...fulcioList(profile),
    ...(profile.rehearsal === true ? [REHEARSAL_MARK] : []),
  ];
  const tbs = (...last: readonly Uint8Array[]): Uint8Array =>
    sequence(...before, explicit(3, sequence(...shared, ...last)));
  return {
    signatureAlgorithm,
    tbsPrecert: () => tbs(POISON),
    tbsLogged: () => tbs(),
    tbsFinal: (sctList) => tbs(formatExtension(OID.sctList, false, octetStringOnly(sctList))),
  };
}

/** A raw TLS list here instead of its DER wrapping would only be noticed by verifiers, years later. */
function octetStringOnly(value: Uint8Array): Uint8Array {
  const reader = new DerReader(value);
  reader.octets();
  reader.finish();
  return value;
}

function fulcioList(profile: LeafProfile): Uint8Array[] {
  if (profile.oidcIssuer === '')
    throw new Fault('refused', 'x509/extension', 'a certificate names the issuer of the identity');
  const texts = new Map<string, string>([
    [FULCIO.issuer.oid, profile.oidcIssuer],
    [FULCIO.issuerV2.oid, profile.oidcIssuer],
  ]);
  const given = new Set<string>();
  for (const [oid, value] of profile.extensions) {
    if (!FULCIO_BY_OID.has(oid) || given.has(oid)) {
      throw new Fault('refused', 'x509/extension', `extension ${oid} is unknown or given twice`);
    }
    given.add(oid);
    const known = texts.get(oid);
    if (known !== undefined && known !== value) {
      throw new Fault('refused', 'x509/extension', `extension ${oid} names another issuer than the token`);
    }
    texts.set(oid, value);
  }
  const list: Uint8Array[] = [];
  for (const extension of FULCIO_BY_OID.values()) {
    const text = texts.get(extension.oid);
    if (text !== undefined && text !== '') list.push(fulcioExtension(extension, text));
  }
  return list;
}

/** The header of every Fulcio extension is constant, so it is encoded once. */
const FULCIO_OID_DER: ReadonlyMap<string, Uint8Array> = new Map(
  [...FULCIO_BY_OID.keys()].map((oid) => [oid, objectIdentifier(oid)]),
);

function fulcioExtension({ oid, encoding }: FulcioExtension, text: string): Uint8Array {
  const wrapped = utf8String(text);
  const header = FULCIO_OID_DER.get(oid) ?? objectIdentifier(oid);
  return sequence(header, octetString(encoding === 'utf8' ? wrapped : fromUtf8(text)));
}
