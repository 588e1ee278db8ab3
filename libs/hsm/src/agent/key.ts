/** A private key in the token, found by name, with the public half that every signature is checked against. */
import { parsePublicKey, sha256, type PublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import { formatPkcs11Uri, parsePkcs11Uri, type Pkcs11Uri } from '../pkcs11-uri.js';
import { CKF, CKK, type AlgorithmFacts } from './algorithms.js';
import { algorithmOf, modulusToSpki, pointToSpki } from './encodings.js';
import {
  CKA,
  CKO,
  findObjects,
  fromUlong,
  readAttribute,
  readBytes,
  type Attribute,
  type Handle,
} from './library.js';
import type { OpenToken } from './token.js';

export interface TokenKey {
  readonly uri: string;
  readonly facts: AlgorithmFacts;
  readonly privateHandle: Handle;
  /** Absent in tokens that keep the public half only inside the private object. */
  readonly publicHandle: Handle | undefined;
  readonly publicKey: PublicKey;
  /** SHA-256 of the public half: what callers name the key by, beside its URI. */
  readonly digest: Uint8Array;
  readonly id: Uint8Array;
  readonly label: string;
  readonly mechanism: number;
  readonly alwaysAuthenticate: boolean;
}

function wanted(uri: Pkcs11Uri): Attribute[] {
  const template: Attribute[] = [];
  if (uri.object !== undefined) template.push({ type: CKA.label, value: Buffer.from(uri.object, 'utf8') });
  if (uri.id !== undefined) template.push({ type: CKA.id, value: Buffer.from(uri.id) });
  if (template.length === 0) {
    throw new Fault('malformed', 'hsm/uri', 'name the key in its PKCS#11 URI by object (its label) or by id');
  }
  return template;
}

/**
 * @throws {Fault} hsm/key-absent, hsm/key-ambiguous (labels are not unique in PKCS#11),
 *   hsm/key-kind, hsm/public-key-absent
 */
export function findKey(token: OpenToken, text: string): TokenKey {
  const { library, desk } = token;
  const found = findObjects(
    library,
    desk,
    [{ type: CKA.class, value: CKO.privateKey }, ...wanted(parsePkcs11Uri(text))],
    2,
  );
  const [handle] = found;
  if (found.length > 1) {
    throw new Fault(
      'conflict',
      'hsm/key-ambiguous',
      `several private keys answer to ${text}; name the key by id, and find out who made the other`,
    );
  }
  if (handle === undefined) {
    throw new Fault(
      'absent',
      'hsm/key-absent',
      `no private key answers to ${text}; \`airseal hsm list\` shows what the token holds`,
    );
  }
  const key = describeKey(token, handle);
  if (key === undefined) {
    throw new Fault(
      'refused',
      'hsm/key-kind',
      `the key at ${text} is of no kind that is used here: take ECDSA P-256 or P-384, RSA 2048, 3072 or 4096, or Ed25519`,
    );
  }
  return key;
}

/** `undefined` for a key of a kind that nobody here uses. */
export function describeKey(token: OpenToken, handle: Handle): TokenKey | undefined {
  const { library, desk } = token;
  const read = (type: number): Buffer | undefined => readBytes(library, desk, handle, type);
  const keyType = read(CKA.keyType);
  const id = read(CKA.id) ?? Buffer.alloc(0);
  const label = (read(CKA.label) ?? Buffer.alloc(0)).toString('utf8');
  if (keyType === undefined) return undefined;
  const kind = fromUlong(keyType);
  const publicHandle = publicHalf(token, kind, id, label);
  // The public half answers for both where the private object does not say.
  const either = (type: number): Buffer | undefined =>
    read(type) ?? (publicHandle === undefined ? undefined : readBytes(library, desk, publicHandle, type));
  const facts = algorithmOf(kind, either(CKA.ecParams), either(CKA.modulus));
  if (facts === undefined) return undefined;
  const publicKey = parsePublicKey(spkiOf(facts, either));
  return {
    uri: formatPkcs11Uri({ token: token.info.label, ...(label === '' ? { id } : { object: label }) }),
    facts,
    privateHandle: handle,
    publicHandle,
    publicKey,
    digest: sha256(publicKey.spki),
    id: new Uint8Array(id),
    label,
    mechanism: mechanismFor(token, facts),
    alwaysAuthenticate: isTrue(readAttribute(library, desk, handle, CKA.alwaysAuthenticate)),
  };
}

export function isTrue(value: Buffer | string): boolean {
  return Buffer.isBuffer(value) && value.length === 1 && value[0] !== 0;
}

function publicHalf(token: OpenToken, keyType: number, id: Buffer, label: string): Handle | undefined {
  const kind: Attribute[] = [
    { type: CKA.class, value: CKO.publicKey },
    { type: CKA.keyType, value: keyType },
  ];
  // PKCS#11 pairs halves by CKA_ID; tokens that leave it empty pair them by label.
  const tie =
    id.length > 0 ? { type: CKA.id, value: id } : { type: CKA.label, value: Buffer.from(label, 'utf8') };
  const found = findObjects(token.library, token.desk, [...kind, tie], 2);
  if (found.length > 1) {
    throw new Fault(
      'conflict',
      'hsm/key-ambiguous',
      `the key ${label} has several public halves; remove those that are not its own`,
    );
  }
  return found[0];
}

function spkiOf(facts: AlgorithmFacts, read: (type: number) => Buffer | undefined): Uint8Array {
  const [modulus, exponent, point] = [read(CKA.modulus), read(CKA.publicExponent), read(CKA.ecPoint)];
  if (facts.keyType === CKK.rsa && modulus !== undefined && exponent !== undefined)
    return modulusToSpki(modulus, exponent);
  if (facts.keyType !== CKK.rsa && point !== undefined) return pointToSpki(point, facts);
  const info = read(CKA.publicKeyInfo);
  if (info !== undefined) return new Uint8Array(info);
  throw new Fault(
    'refused',
    'hsm/public-key-absent',
    'the token does not give the public half of this key, so no signature of it could be checked; import the public key beside it',
  );
}

function mechanismFor(token: OpenToken, facts: AlgorithmFacts): number {
  const offered = facts.sign.find(
    (mechanism) => ((token.mechanisms.get(mechanism)?.flags ?? 0) & CKF.sign) !== 0,
  );
  if (offered === undefined) {
    throw new Fault(
      'refused',
      'hsm/mechanism-absent',
      `the token does not sign with ${facts.algorithm}; choose an algorithm that \`airseal hsm doctor\` lists`,
    );
  }
  return offered;
}
