/**
 * Object identifiers of the certificates that we read and write, and Fulcio's own extensions with the two
 * ways in which they are encoded.
 *
 * Raw extensions hold UTF-8 text directly in extnValue, which RFC 5280 does not allow; they are kept because
 * sigstore-rs and sigstore-js still read them. All newer ones hold a DER UTF8String.
 *
 * @see https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
 */
export const OID = {
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  basicConstraints: '2.5.29.19',
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
  subjectAltName: '2.5.29.17',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  crlDistributionPoints: '2.5.29.31',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  /** Marks a precertificate; critical, so that nobody can use it (RFC 6962 §3.1). */
  precertificatePoison: '1.3.6.1.4.1.11129.2.4.3',
  sctList: '1.3.6.1.4.1.11129.2.4.2',
  /** Unknown to every verifier and critical: what a rehearsal makes cannot pass one (a UUID below 2.25). */
  rehearsal: '2.25.164401084930315012691164610279450607269',
} as const;

export type FulcioEncoding = 'raw' | 'utf8';

export interface FulcioExtension {
  readonly oid: string;
  readonly encoding: FulcioEncoding;
  readonly title: string;
}

const ARC = '1.3.6.1.4.1.57264.1';

function fulcio(number: number, encoding: FulcioEncoding, title: string): FulcioExtension {
  return { oid: `${ARC}.${number}`, encoding, title };
}

/** Fulcio's extensions in the order in which they stand in a certificate: by the last number of the OID. */
export const FULCIO = {
  issuer: fulcio(1, 'raw', 'Issuer'),
  githubWorkflowTrigger: fulcio(2, 'raw', 'GitHub Workflow Trigger'),
  githubWorkflowSha: fulcio(3, 'raw', 'GitHub Workflow SHA'),
  githubWorkflowName: fulcio(4, 'raw', 'GitHub Workflow Name'),
  githubWorkflowRepository: fulcio(5, 'raw', 'GitHub Workflow Repository'),
  githubWorkflowRef: fulcio(6, 'raw', 'GitHub Workflow Ref'),
  issuerV2: fulcio(8, 'utf8', 'Issuer (V2)'),
  buildSignerUri: fulcio(9, 'utf8', 'Build Signer URI'),
  buildSignerDigest: fulcio(10, 'utf8', 'Build Signer Digest'),
  runnerEnvironment: fulcio(11, 'utf8', 'Runner Environment'),
  sourceRepositoryUri: fulcio(12, 'utf8', 'Source Repository URI'),
  sourceRepositoryDigest: fulcio(13, 'utf8', 'Source Repository Digest'),
  sourceRepositoryRef: fulcio(14, 'utf8', 'Source Repository Ref'),
  sourceRepositoryIdentifier: fulcio(15, 'utf8', 'Source Repository Identifier'),
  sourceRepositoryOwnerUri: fulcio(16, 'utf8', 'Source Repository Owner URI'),
  sourceRepositoryOwnerIdentifier: fulcio(17, 'utf8', 'Source Repository Owner Identifier'),
  buildConfigUri: fulcio(18, 'utf8', 'Build Config URI'),
  buildConfigDigest: fulcio(19, 'utf8', 'Build Config Digest'),
  buildTrigger: fulcio(20, 'utf8', 'Build Trigger'),
  runInvocationUri: fulcio(21, 'utf8', 'Run Invocation URI'),
  sourceRepositoryVisibility: fulcio(22, 'utf8', 'Source Repository Visibility At Signing'),
  deploymentEnvironment: fulcio(23, 'utf8', 'Deployment Environment'),
  tokenSubject: fulcio(24, 'utf8', 'Token Subject'),
} as const satisfies Readonly<Record<string, FulcioExtension>>;

/** Type-id of the otherName that carries a user name; not an extension. */
export const FULCIO_USERNAME_OID = `${ARC}.7`;

/** By dotted OID, in certificate order. */
export const FULCIO_BY_OID: ReadonlyMap<string, FulcioExtension> = new Map(
  Object.values(FULCIO).map((extension) => [extension.oid, extension]),
);
