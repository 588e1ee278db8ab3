/**
 * Drafts the answer of a timestamp authority: TimeStampResp with a CMS token (RFC 3161 §2.4.2, RFC 5652).
 *
 * What is signed is not the TSTInfo but a set of attributes that holds its digest; the set is signed with its
 * own tag (SET) and stored under another ([0]), which is the classical mistake (RFC 5652 §5.4). Its members stand
 * in DER order in both places. signing-certificate-v2 binds the signature to one certificate (RFC 5816), so
 * that it cannot be claimed for another certificate with the same key.
 *
 * Default values are left out as DER demands: ordering FALSE, SHA-256 in ESSCertIDv2.
 */
import {
  contextConstructed,
  explicit,
  generalizedTime,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from '#core/der';
import { digest, type HashName } from '#core/crypto';
import { algorithmIdentifier, serialInteger, type Certificate, type SignatureAlgorithm } from '#core/x509';
import { HASH_OID, type TimestampRequest } from './request.js';

/** Policy of Sigstore's timestamp authorities (CONTRACTS §5.2). */
export const SIGSTORE_POLICY = '1.3.6.1.4.1.57264.2';

const SIGNED_DATA = objectIdentifier('1.2.840.113549.1.7.2');
const TST_INFO = objectIdentifier('1.2.840.113549.1.9.16.1.4');
const CONTENT_TYPE = objectIdentifier('1.2.840.113549.1.9.3');
const MESSAGE_DIGEST = objectIdentifier('1.2.840.113549.1.9.4');
const SIGNING_TIME = objectIdentifier('1.2.840.113549.1.9.5');
const SIGNING_CERTIFICATE_V2 = objectIdentifier('1.2.840.113549.1.9.16.2.47');
const ACCURACY_ONE_SECOND = sequence(integer(1));

export interface TokenProfile {
  readonly request: TimestampRequest;
  /** Random octets, 16 to 20; the top bit is cleared to make the number positive. */
  readonly serial: Uint8Array;
  readonly genTimeMs: number;
  /** The policy that the request was admitted under. */
  readonly policy: string;
  readonly leafCertificate: Certificate;
  /** Algorithm of the leaf's key. */
  readonly signatureAlgorithm: SignatureAlgorithm;
  /** Further certificates to embed beside the leaf when the request asks for certificates. */
  readonly furtherCertificates?: readonly Uint8Array[];
}

export interface TokenDraft {
  readonly tstInfo: Uint8Array;
  /** The octets to sign: the attributes as a DER SET. */
  readonly signedAttributes: Uint8Array;
  /** The whole TimeStampResp; `signature` as X.509 spells it. */
  assemble(signature: Uint8Array): Uint8Array;
}

/** CMS digests with the hash of the signature, so that verifiers need one algorithm only. */
function digestOf(algorithm: SignatureAlgorithm): HashName {
  return algorithm === 'ecdsa-p384-sha384' ? 'sha384' : 'sha256';
}

export function draftToken(profile: TokenProfile): TokenDraft {
  const { request, leafCertificate: leaf, genTimeMs } = profile;
  const hash = digestOf(profile.signatureAlgorithm);
  const hashAlgorithm = sequence(objectIdentifier(HASH_OID[hash]));
  const leafSerial = integer(leaf.serial);

  const tstInfo = sequence(
    integer(1),
    objectIdentifier(profile.policy),
    request.imprint,
    serialInteger(profile.serial),
    generalizedTime(genTimeMs),
    ACCURACY_ONE_SECOND,
    ...(request.nonce === undefined ? [] : [request.nonce]),
    explicit(0, explicit(4, leaf.subjectDer)),
  );

  const certificateId = sequence(
    ...(hash === 'sha256' ? [] : [hashAlgorithm]),
    octetString(digest(hash, leaf.der)),
    sequence(sequence(explicit(4, leaf.issuerDer)), leafSerial),
  );
  const attributes = setOf(
    attribute(CONTENT_TYPE, TST_INFO),
    attribute(SIGNING_TIME, time(genTimeMs)),
    attribute(MESSAGE_DIGEST, octetString(digest(hash, tstInfo))),
    attribute(SIGNING_CERTIFICATE_V2, sequence(sequence(certificateId))),
  );

  const assemble = (signature: Uint8Array): Uint8Array => {
    const signerInfo = sequence(
      integer(1),
      sequence(leaf.issuerDer, leafSerial),
      hashAlgorithm,
      retagged(contextConstructed(0), attributes),
      algorithmIdentifier(profile.signatureAlgorithm),
      octetString(signature),
    );
    const signedData = sequence(
      integer(3),
      setOf(hashAlgorithm),
      sequence(TST_INFO, explicit(0, octetString(tstInfo))),
      ...(request.certificates ? [certificateSet([leaf.der, ...(profile.furtherCertificates ?? [])])] : []),
      setOf(signerInfo),
    );
    return sequence(sequence(integer(0)), sequence(SIGNED_DATA, explicit(0, signedData)));
  };
  return { tstInfo, signedAttributes: attributes, assemble };
}

function attribute(oid: Uint8Array, value: Uint8Array): Uint8Array {
  return sequence(oid, setOf(value));
}

/** The same content under an implicit tag: the first octet changes, length and members do not. */
function retagged(tag: number, encoding: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(encoding);
  copy[0] = tag;
  return copy;
}

function certificateSet(certificates: readonly Uint8Array[]): Uint8Array {
  return retagged(contextConstructed(0), setOf(...certificates));
}

/** PKIStatus of an answer without a token (RFC 3161 §2.4.2). */
export const STATUS = { rejection: 2, waiting: 3 } as const;

/** Bit numbers of PKIFailureInfo (RFC 3161 §2.4.2). */
export const FAILURE = {
  badAlg: 0,
  badRequest: 2,
  badDataFormat: 5,
  timeNotAvailable: 14,
  unacceptedPolicy: 15,
  unacceptedExtension: 16,
  addInfoNotAvailable: 17,
  systemFailure: 25,
} as const;

/** A TimeStampResp without a token; `text` is for people. */
export function formatFailure(
  status: keyof typeof STATUS,
  failure: keyof typeof FAILURE,
  text?: string,
): Uint8Array {
  return sequence(
    sequence(
      integer(STATUS[status]),
      ...(text === undefined ? [] : [sequence(utf8String(text))]),
      namedBits(FAILURE[failure]),
    ),
  );
}
