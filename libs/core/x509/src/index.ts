/** X.509 (RFC 5280) as Sigstore uses it: reading, drafting and judging certificates. */
export {
  algorithmIdentifier,
  schemeFits,
  signatureScheme,
  verifyWithAlgorithm,
  type SignatureAlgorithm,
  type SignatureScheme,
} from './algorithm.js';
export {
  extensionValue,
  fulcioExtensions,
  isSelfIssued,
  issuerKeyHash,
  keyIdentifierOf,
  parseCertificate,
  parseTbs,
  subjectKeyIdentifier,
  verifyChain,
  verifyIssuedBy,
  type Certificate,
  type TbsCertificate,
} from './certificate.js';
export { parseCsr, type CertificateRequest } from './csr.js';
export {
  draftCaCertificate,
  type CaCertificateProfile,
  type CaDraft,
  type CaRole,
} from './draft-ca-certificate.js';
export { draftLeaf, serialInteger, type LeafDraft, type LeafProfile } from './draft-leaf.js';
export {
  assembleCertificate,
  KEY_USAGE,
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSpki,
  parseSubjectAltNames,
  parseSubjectKeyIdentifier,
  type AuthorityKeyIdentifier,
  type BasicConstraints,
  type Extension,
  type LeafName,
  type SubjectAltName,
} from './extension.js';
export { assertNoErrors, lintCertificate, lintLeaf, LINTS, lintTbs } from './lint.js';
export type { Finding, Lint, LintContext, LintRole, LintSubject, Severity } from './lint-subject.js';
export { loggedTbs } from './logged-tbs.js';
export { formatName, nameText, parseName, type DistinguishedName, type NameAttribute } from './name.js';
export {
  FULCIO,
  FULCIO_BY_OID,
  FULCIO_USERNAME_OID,
  OID,
  type FulcioEncoding,
  type FulcioExtension,
} from './oids.js';
