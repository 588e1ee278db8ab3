/** What a leaf of a v2 log says by itself. */
import type { HashName } from '#core/crypto';
import { isJsonObject, type JsonObject, type JsonValue } from '#core/json';
import { fromBase64 } from '#core/octets';
import type { LeafContent } from '../proposed-entry.js';
import { malformed } from '../refuse.js';
import { digestKey } from '../search-keys.js';
import { readVerifier } from './verifier.js';

const HASH_OF_NAME: ReadonlyMap<JsonValue | undefined, HashName> = new Map([
  ['SHA2_256', 'sha256'],
  ['SHA2_384', 'sha384'],
  ['SHA2_512', 'sha512'],
]);

function objectIn(value: JsonValue | undefined, what: string): JsonObject {
  if (!isJsonObject(value)) throw malformed(`the entry has no ${what}`);
  return value;
}

function octetsIn(value: JsonValue | undefined, what: string): Uint8Array {
  if (typeof value !== 'string') throw malformed(`the entry has no ${what}`);
  return fromBase64(value);
}

/** `<algorithm>:<hex>` */
function digestIn(value: JsonValue | undefined): { readonly hash: HashName; readonly key: string } {
  const { algorithm, digest } = objectIn(value, 'digest');
  const hash = HASH_OF_NAME.get(algorithm);
  if (hash === undefined) throw malformed('the entry names no hash');
  return { hash, key: digestKey(hash, octetsIn(digest, 'digest')) };
}

function signatureIn(
  value: JsonValue | undefined,
): Pick<LeafContent, 'signers' | 'signatures' | 'searchKeys'> {
  const { content, verifier: told } = objectIn(value, 'signature');
  const verifier = readVerifier(objectIn(told, 'verifier'));
  return {
    signers: [verifier.signer],
    signatures: [
      { key: verifier.key, octets: octetsIn(content, 'signature'), over: { digestBy: verifier.hash } },
    ],
    searchKeys: verifier.searchKeys,
  };
}

/** @throws {Fault} entry/… */
export function readV2Leaf(kind: string, spec: JsonObject): LeafContent {
  if (kind === 'hashedrekord') {
    const record = objectIn(spec['hashedRekordV002'], 'hashedRekordV002');
    const { key } = digestIn(record['data']);
    const signature = signatureIn(record['signature']);
    return { envelope: false, ...signature, digests: [key], searchKeys: [...signature.searchKeys, key] };
  }
  const record = objectIn(spec['dsseV002'], 'dsseV002');
  const { key } = digestIn(record['payloadHash']);
  const { signatures } = record;
  const signature = signatureIn(Array.isArray(signatures) ? (signatures[0] as JsonValue) : undefined);
  return { envelope: true, ...signature, digests: [key], searchKeys: [...signature.searchKeys, key] };
}
