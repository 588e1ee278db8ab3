/** How PKCS#11 spells the algorithms of the port (pkcs11t.h; PKCS#11 v3.0 current mechanisms §2.3). */
import type { HashName } from '#core/crypto';
import type { KeyAlgorithm } from '../signer.js';

export const CKM = {
  rsaKeyPairGen: 0x0000,
  rsaPkcs: 0x0001,
  sha256RsaPkcs: 0x0040,
  ecKeyPairGen: 0x1040,
  ecdsa: 0x1041,
  edwardsKeyPairGen: 0x1055,
  eddsa: 0x1057,
} as const;

export const CKK = { rsa: 0x00, ec: 0x03, edwards: 0x40 } as const;

export const CKF = { sign: 0x800, generateKeyPair: 0x10000 } as const;

export interface AlgorithmFacts {
  readonly algorithm: KeyAlgorithm;
  readonly keyType: number;
  readonly generate: number;
  /** Mechanisms that can make its signature, the preferred first. */
  readonly sign: readonly number[];
  /** The hash that is taken in software; none for Ed25519, which signs the message itself. */
  readonly hash: HashName | undefined;
  readonly bits: number;
  /** DER of the curve's name, in the spellings that tokens use; empty for RSA. */
  readonly curve: readonly Uint8Array[];
  /** Object identifier of the curve in dotted form. */
  readonly curveOid: string | undefined;
  readonly signatureBytes: number;
}

const P256 = Uint8Array.of(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07);
const P384 = Uint8Array.of(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22);
/** id-Ed25519 (RFC 8410) for SoftHSM; PKCS#11 v3.0 has the PrintableString `edwards25519` too. */
const ED25519 = Uint8Array.of(0x06, 0x03, 0x2b, 0x65, 0x70);
const EDWARDS25519 = Uint8Array.of(0x13, 0x0c, ...Buffer.from('edwards25519'));

function ecdsa(
  algorithm: KeyAlgorithm,
  hash: HashName,
  bits: number,
  curve: Uint8Array,
  curveOid: string,
): AlgorithmFacts {
  const [generate, sign, signatureBytes] = [CKM.ecKeyPairGen, [CKM.ecdsa], bits / 4];
  return { algorithm, keyType: CKK.ec, generate, sign, hash, bits, curve: [curve], curveOid, signatureBytes };
}

function rsa(algorithm: KeyAlgorithm, bits: number): AlgorithmFacts {
  return {
    algorithm,
    keyType: CKK.rsa,
    generate: CKM.rsaKeyPairGen,
    sign: [CKM.rsaPkcs, CKM.sha256RsaPkcs],
    hash: 'sha256',
    bits,
    curve: [],
    curveOid: undefined,
    signatureBytes: bits / 8,
  };
}

export const ALGORITHM: Readonly<Record<KeyAlgorithm, AlgorithmFacts>> = {
  'ecdsa-p256-sha256': ecdsa('ecdsa-p256-sha256', 'sha256', 256, P256, '1.2.840.10045.3.1.7'),
  'ecdsa-p384-sha384': ecdsa('ecdsa-p384-sha384', 'sha384', 384, P384, '1.3.132.0.34'),
  'rsa-2048-sha256': rsa('rsa-2048-sha256', 2048),
  'rsa-3072-sha256': rsa('rsa-3072-sha256', 3072),
  'rsa-4096-sha256': rsa('rsa-4096-sha256', 4096),
  ed25519: {
    algorithm: 'ed25519',
    keyType: CKK.edwards,
    generate: CKM.edwardsKeyPairGen,
    sign: [CKM.eddsa],
    hash: undefined,
    bits: 256,
    curve: [ED25519, EDWARDS25519],
    curveOid: '1.3.101.112',
    signatureBytes: 64,
  },
};

export const ALGORITHMS: readonly AlgorithmFacts[] = Object.values(ALGORITHM);
