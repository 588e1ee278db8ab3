/** What clients of Rekor v1 ask, out of query strings and JSON bodies (CONTRACTS §3.2, §3.8). */
import { sha256 } from '#core/crypto';
import { readPemVerifier } from '#core/entry';
import { isFault } from '#core/fault';
import { isJsonObject, type JsonValue } from '#core/json';
import { fromBase64, fromUtf8, toHex } from '#core/octets';
import { parameterFault, requestFault, requestObject } from '#log';

const MAX_SUBJECT = 512;

export type Query = Readonly<Record<string, unknown>>;

/** A non-negative decimal number of at most 63 bits from a query string; `undefined` if it is not there. */
export function numberIn(query: Query, name: string): bigint | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^\d{1,19}$/.test(value) || BigInt(value) >= 1n << 63n) {
    throw parameterFault(`${name} in query must be of type int64 and not negative`);
  }
  return BigInt(value);
}

export interface ProofQuery {
  readonly firstSize: bigint;
  readonly lastSize: bigint;
  readonly treeId: bigint | undefined;
}

/** @throws {Fault} rekor/parameter, rekor/request */
export function readProofQuery(query: Query): ProofQuery {
  const firstSize = numberIn(query, 'firstSize') ?? 1n;
  const lastSize = numberIn(query, 'lastSize');
  if (lastSize === undefined) throw parameterFault('lastSize in query is required');
  if (firstSize < 1n) throw parameterFault('firstSize in query should be greater than or equal to 1');
  if (lastSize < 1n) throw parameterFault('lastSize in query should be greater than or equal to 1');
  if (firstSize > lastSize) {
    throw requestFault(`firstSize(${firstSize}) must be less than lastSize(${lastSize})`);
  }
  return { firstSize, lastSize, treeId: readTreeId(query) };
}

/** @throws {Fault} rekor/parameter */
export function readTreeId(query: Query): bigint | undefined {
  const { treeID: text } = query;
  return text === undefined || text === '' ? undefined : numberIn(query, 'treeID');
}

export interface SearchRequest {
  readonly keys: readonly string[];
  readonly operator: 'and' | 'or';
}

const HASH_NAMES: Readonly<Record<number, string>> = { 40: 'sha1', 64: 'sha256', 128: 'sha512' };

function hashKey(text: string): string {
  const [, name, digits = ''] = /^(?:(sha1|sha256|sha512):)?([0-9a-f]+)$/.exec(text.toLowerCase()) ?? [];
  const known = HASH_NAMES[digits.length];
  if (known === undefined || (name !== undefined && name !== known)) {
    throw parameterFault(
      'hash in body should be 40, 64 or 128 hexadecimal digits, with or without sha1:, sha256:, sha512:',
    );
  }
  return `${known}:${digits}`;
}

function publicKeyKey(value: JsonValue): string {
  if (!isJsonObject(value)) throw requestFault('publicKey in body must be an object');
  const { format, content } = value;
  if (typeof content !== 'string') throw requestFault('publicKey.content in body is required');
  if (format !== 'x509') throw requestFault('this log knows only keys and certificates of format x509');
  try {
    return toHex(sha256(fromUtf8(readPemVerifier(fromBase64(content)).canonicalPem)));
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    throw requestFault(`publicKey in body does not parse: ${cause.message}`);
  }
}

/** @throws {Fault} rekor/parameter, rekor/request */
export function readSearchRequest(body: Uint8Array): SearchRequest {
  const { email, subject, publicKey, hash, operator = 'or' } = requestObject(body);
  if (operator !== 'and' && operator !== 'or')
    throw parameterFault('operator in body should be one of [and or]');
  const keys: string[] = [];
  for (const text of [email, subject]) {
    if (text === undefined || text === null || text === '') continue;
    if (typeof text !== 'string' || text.length > MAX_SUBJECT) {
      throw parameterFault(`email and subject in body are texts of at most ${MAX_SUBJECT} characters`);
    }
    keys.push(text.toLowerCase());
  }
  if (typeof hash === 'string' && hash !== '') keys.push(hashKey(hash));
  if (publicKey !== undefined && publicKey !== null) keys.push(publicKeyKey(publicKey));
  if (keys.length === 0) throw requestFault('Received empty query');
  return { keys, operator };
}
