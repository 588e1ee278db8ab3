/**
 * A whole Sigstore hierarchy with keys in memory, for specs: both roots, both intermediates, a timestamp leaf
 * and a certificate log. Drafts come from the code under test; only the signatures are made here.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  assembleCertificate,
  type CaRole,
  type Certificate,
  draftCaCertificate,
  type LeafProfile,
  parseCertificate,
  type SignatureAlgorithm,
} from '#core/x509';

export interface SoftwareKey {
  readonly algorithm: SignatureAlgorithm;
  readonly spki: Uint8Array;
  readonly privateKey: KeyObject;
  sign(message: Uint8Array): Uint8Array;
}

export function softwareKey(
  algorithm: 'ecdsa-p256-sha256' | 'ecdsa-p384-sha384' = 'ecdsa-p256-sha256',
): SoftwareKey {
  const p256 = algorithm === 'ecdsa-p256-sha256';
  const pair = generateKeyPairSync('ec', { namedCurve: p256 ? 'prime256v1' : 'secp384r1' });
  return {
    algorithm,
    spki: new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })),
    privateKey: pair.privateKey,
    sign: (message) => new Uint8Array(sign(p256 ? 'sha256' : 'sha384', message, pair.privateKey)),
  };
}

/** Twenty octets that look random and are the same in every run. */
export function pseudoRandom(seed: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(seed).digest().subarray(0, 20));
}

export const GENESIS_MS = Date.UTC(2026, 10, 21, 10);
const DAY_MS = 86_400_000;
export const CA_DAYS: Readonly<Record<CaRole, number>> = {
  'code-root': 3650,
  'code-intermediate': 1095,
  'time-root': 3650,
  'tsa-intermediate': 3650,
  'tsa-leaf': 1095,
};

export interface SoftwareCa {
  readonly key: SoftwareKey;
  readonly certificate: Certificate;
}

export function softwareCa(
  role: CaRole,
  commonName: string,
  issuer?: SoftwareCa,
  key = softwareKey(),
): SoftwareCa {
  const signer = issuer?.key ?? key;
  const draft = draftCaCertificate({
    role,
    serial: pseudoRandom(commonName),
    subject: { organisation: 'Example', commonName },
    ...(issuer === undefined ? {} : { issuer: issuer.certificate }),
    signatureAlgorithm: signer.algorithm,
    spki: key.spki,
    notBeforeMs: GENESIS_MS,
    untilMs: GENESIS_MS + CA_DAYS[role] * DAY_MS,
  });
  const der = assembleCertificate(draft.tbs, draft.signatureAlgorithm, signer.sign(draft.tbs));
  return { key, certificate: parseCertificate(der) };
}

export interface SoftwarePki {
  readonly codeRoot: SoftwareCa;
  readonly codeIntermediate: SoftwareCa;
  readonly timeRoot: SoftwareCa;
  readonly tsaIntermediate: SoftwareCa;
  readonly tsaLeaf: SoftwareCa;
  readonly ctLog: SoftwareKey;
}

export function softwarePki(): SoftwarePki {
  const codeRoot = softwareCa('code-root', 'Example Code Root', undefined, softwareKey('ecdsa-p384-sha384'));
  const timeRoot = softwareCa('time-root', 'Example Time Root', undefined, softwareKey('ecdsa-p384-sha384'));
  const tsaIntermediate = softwareCa(
    'tsa-intermediate',
    'Example TSA Intermediate',
    timeRoot,
    softwareKey('ecdsa-p384-sha384'),
  );
  return {
    codeRoot,
    codeIntermediate: softwareCa(
      'code-intermediate',
      'Example Code Intermediate',
      codeRoot,
      softwareKey('ecdsa-p384-sha384'),
    ),
    timeRoot,
    tsaIntermediate,
    tsaLeaf: softwareCa('tsa-leaf', 'Example TSA', tsaIntermediate),
    ctLog: softwareKey(),
  };
}

/** A leaf with every extension that Fulcio knows. */
export function fullLeafProfile(issuer: SoftwareCa, spki: Uint8Array): LeafProfile {
  const notBeforeMs = GENESIS_MS + DAY_MS;
  const numbers = [2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24];
  return {
    serial: pseudoRandom('leaf'),
    issuer: issuer.certificate,
    signatureAlgorithm: issuer.key.algorithm,
    notBeforeMs,
    notAfterMs: notBeforeMs + 600_000,
    spki,
    name: { kind: 'uri', value: 'https://git.example/team/app/.ci/release.yml@refs/heads/main' },
    oidcIssuer: 'https://id.example',
    extensions: numbers.map((number): [string, string] => [
      `1.3.6.1.4.1.57264.1.${number}`,
      `value ${number}`,
    ]),
  };
}
