/**
 * The verifier of a v2 request: a certificate or a key, and the algorithm it signs with.
 *
 * Verifiers rebuild the leaf from a bundle and take `keyDetails` as the default of the key (CONTRACTS §4.2),
 * so a name that is not the key's default would make an entry that nobody can verify, and is refused. The
 * octets of a certificate are kept as they are; a key must already be in canonical DER.
 */
import { parsePublicKey, type HashName, type PublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import type { JsonObject, JsonValue } from '#core/json';
import { toBase64 } from '#core/octets';
import { formatPem } from '#core/pem';
import { readSignerCertificate } from '../certificate.js';
import { oidcIssuer, type LeafSigner } from '../leaf-signer.js';
import { malformed, within } from '../refuse.js';
import { pemKey } from '../search-keys.js';
import { octetsOf, readMessage, required } from './message.js';

interface Algorithm {
  readonly name: string;
  /** Number in the protobuf enumeration; its JSON mapping takes either. */
  readonly number: number;
  readonly hash: HashName;
}

const ALGORITHMS: readonly Algorithm[] = [
  { name: 'PKIX_ECDSA_P256_SHA_256', number: 5, hash: 'sha256' },
  { name: 'PKIX_ED25519_PH', number: 8, hash: 'sha512' },
  { name: 'PKIX_RSA_PKCS1V15_2048_SHA256', number: 9, hash: 'sha256' },
  { name: 'PKIX_RSA_PKCS1V15_3072_SHA256', number: 10, hash: 'sha256' },
  { name: 'PKIX_RSA_PKCS1V15_4096_SHA256', number: 11, hash: 'sha256' },
  { name: 'PKIX_ECDSA_P384_SHA_384', number: 12, hash: 'sha384' },
  { name: 'PKIX_ECDSA_P521_SHA_512', number: 13, hash: 'sha512' },
];

export interface RequestVerifier {
  readonly key: PublicKey;
  readonly hash: HashName;
  readonly searchKeys: readonly string[];
  readonly signer: LeafSigner;
  /** As it stands in the canonical body. */
  readonly canonical: JsonObject;
}

function algorithmOf(value: JsonValue | undefined): Algorithm {
  const algorithm = ALGORITHMS.find(({ name, number }) => value === name || value === number);
  if (algorithm === undefined) {
    throw new Fault(
      'malformed',
      'entry/algorithm',
      'could not find algorithm details for known signature algorithm',
    );
  }
  return algorithm;
}

function defaultAlgorithm(key: PublicKey): string | undefined {
  // Only the prehashed variant can be verified from a digest.
  return key.kind === 'ed25519' ? 'PKIX_ED25519_PH' : key.details;
}

interface Source {
  readonly key: PublicKey;
  readonly searchKeys: readonly string[];
  readonly signer: LeafSigner;
  readonly canonical: JsonObject;
}

function readPublicKey(value: JsonValue): Source {
  const spki = required(
    octetsOf(readMessage(value, ['rawBytes']).rawBytes, 'rawBytes'),
    'public key raw bytes',
  );
  return {
    key: within('entry/verifier', 'parsing public key', () => parsePublicKey(spki)),
    searchKeys: [pemKey(formatPem('PUBLIC KEY', spki))],
    signer: { spki, identities: [], issuer: undefined, certificate: undefined },
    canonical: { publicKey: { rawBytes: toBase64(spki) } },
  };
}

function readCertificate(value: JsonValue): Source {
  const message = readMessage(value, ['rawBytes']);
  const der = required(octetsOf(message.rawBytes, 'rawBytes'), 'X.509 certificate raw bytes');
  const { certificate, key, subjects } = readSignerCertificate(der);
  return {
    key,
    searchKeys: [pemKey(formatPem('CERTIFICATE', der)), ...subjects],
    signer: {
      spki: certificate.spki,
      identities: subjects,
      issuer: oidcIssuer(certificate),
      certificate,
    },
    canonical: { x509Certificate: { rawBytes: toBase64(der) } },
  };
}

/** @throws {Fault} entry/malformed, entry/verifier, entry/algorithm */
export function readVerifier(value: JsonValue): RequestVerifier {
  const { publicKey, x509Certificate, keyDetails } = readMessage(value, [
    'publicKey',
    'x509Certificate',
    'keyDetails',
  ]);
  if (publicKey !== undefined && x509Certificate !== undefined) {
    throw malformed('a verifier is either a public key or an X.509 certificate');
  }
  const { name, hash } = algorithmOf(keyDetails);
  const source =
    publicKey === undefined
      ? readCertificate(required(x509Certificate, 'signature public key or X.509 certificate'))
      : readPublicKey(publicKey);
  if (defaultAlgorithm(source.key) !== name) {
    throw new Fault(
      'malformed',
      'entry/algorithm',
      'keyDetails does not name the default algorithm of this key',
      {
        detail: { key: source.key.kind, keyDetails: name },
      },
    );
  }
  return { ...source, hash, canonical: { ...source.canonical, keyDetails: name } };
}
