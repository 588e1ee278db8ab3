/**
 * Keys as TUF metadata spells them, in the one form that every client takes (CONTRACTS §7.2).
 *
 * `ecdsa` with `ecdsa-sha2-nistp256` and a PEM body: tuf-js, the Java client and tough know no larger
 * curve, and the oldest Go client does not know the newer key type of the same name as the scheme. The key
 * id is the hash of the *whole* key object in OLPC canonical form; tough refuses a root with any other id.
 */
import { parsePublicKey, publicKeyFromPem, sha256, type PublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import { olpcJson } from '#core/json';
import { toHex } from '#core/octets';
import { formatPem } from '#core/pem';

export interface TufKey {
  readonly keytype: string;
  readonly scheme: string;
  readonly keyval: { readonly public: string };
}

/** @throws {Fault} tuf/key-type unless `spki` is a P-256 key */
export function tufKey(spki: Uint8Array): TufKey {
  if (parsePublicKey(spki).kind !== 'ec-p256') {
    throw new Fault(
      'refused',
      'tuf/key-type',
      'TUF roles need ECDSA P-256 keys: no other kind is read by every client',
    );
  }
  return {
    keytype: 'ecdsa',
    scheme: 'ecdsa-sha2-nistp256',
    keyval: { public: formatPem('PUBLIC KEY', spki) },
  };
}

/** SHA-256 over the canonical key object, lower-case hex (TUF §4.2). */
export function tufKeyId(key: TufKey): string {
  return toHex(
    sha256(olpcJson({ keytype: key.keytype, scheme: key.scheme, keyval: { public: key.keyval.public } })),
  );
}

/** @throws {Fault} tuf/key-type when the object spells a key in a form that we never publish */
export function readTufKey(key: TufKey): PublicKey {
  if (key.keytype !== 'ecdsa' || key.scheme !== 'ecdsa-sha2-nistp256') {
    throw new Fault(
      'refused',
      'tuf/key-type',
      `TUF key of type ${key.keytype}/${key.scheme} is not one we publish`,
    );
  }
  return publicKeyFromPem(key.keyval.public);
}
