/** What clients of Rekor v1 ask, out of query strings and JSON bodies (CONTRACTS §3.2, §3.8). */
import { sha256 } from '#core/crypto';
import { readPemVerifier } from '#core/entry';
import { Fault, isFault } from '#core/fault';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '#core/json';
import { fromBase64, fromUtf8, toHex } from '#core/octets';

/** Look-ups of one call. */
const MAX_LOOKUPS = 10;
const MAX_SUBJECT = 512;

export type Query = Readonly<Record<string, unknown>>;

/** Out of the range or shape that the API's description allows: 422 in every Rekor. */
function parameter(message: string): Fault {
  return new Fault('malformed', 'rekor/parameter', message);
}

function badRequest(message: string): Fault {
  return new Fault('malformed', 'rekor/request', message);
}

/** A non-negative decimal number of at most 63 bits from a query string; `undefined` if it is not there. */
export function numberIn(query: Query, name: string): bigint | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^\d{1,19}$/.test(value) || BigInt(value) >= 1n << 63n) {
    throw parameter(`${name} in query must be of type int64 and not negative`);
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
  if (lastSize === undefined) throw parameter('lastSize in query is required');
  if (firstSize < 1n) throw parameter('firstSize in query should be greater than or equal to 1');
  if (lastSize < 1n) throw parameter('lastSize in query should be greater than or equal to 1');
  if (firstSize > lastSize) {
    throw badRequest(`firstSize(${firstSize}) must be less than lastSize(${lastSize})`);
  }
  return { firstSize, lastSize, treeId: readTreeId(query) };
}

/** @throws {Fault} rekor/parameter */
export function readTreeId(query: Query): bigint | undefined {
  const { treeID: text } = query;
  return text === undefined || text === '' ? undefined : numberIn(query, 'treeID');
}

function objectOf(body: Uint8Array): JsonObject {
  let value: JsonValue;
  try {
    value = parseJson(body);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    throw badRequest(`parsing body: ${cause.message}`);
  }
  if (!isJsonObject(value)) throw badRequest('parsing body: expected a JSON object');
  return value;
}

function listAt(object: JsonObject, name: string): readonly JsonValue[] {
  const list = object[name];
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw badRequest(`${name} in body must be a list`);
  return list as readonly JsonValue[];
}

export interface RetrieveRequest {
  readonly entryIds: readonly string[];
  readonly indexes: readonly bigint[];
  readonly entries: readonly JsonValue[];
}

/** @throws {Fault} rekor/parameter with more than ten look-ups, rekor/request */
export function readRetrieveRequest(body: Uint8Array): RetrieveRequest {
  const request = objectOf(body);
  const [entryIds, indexes, entries] = [
    listAt(request, 'entryUUIDs'),
    listAt(request, 'logIndexes'),
    listAt(request, 'entries'),
  ];
  if (entryIds.length + indexes.length + entries.length > MAX_LOOKUPS) {
    throw parameter(`more than max allowed ${MAX_LOOKUPS} entries in request`);
  }
  return {
    entryIds: entryIds.map((id) => {
      if (typeof id !== 'string') throw badRequest('entryUUIDs in body must be strings');
      return id;
    }),
    indexes: indexes.map((index) => {
      if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0) {
        throw badRequest('logIndexes in body must be whole numbers and not negative');
      }
      return BigInt(index);
    }),
    entries,
  };
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
    throw parameter(
      'hash in body should be 40, 64 or 128 hexadecimal digits, with or without sha1:, sha256:, sha512:',
    );
  }
  return `${known}:${digits}`;
}

function publicKeyKey(value: JsonValue): string {
  if (!isJsonObject(value)) throw badRequest('publicKey in body must be an object');
  const { format, content } = value;
  if (typeof content !== 'string') throw badRequest('publicKey.content in body is required');
  if (format !== 'x509') throw badRequest('this log knows only keys and certificates of format x509');
  try {
    return toHex(sha256(fromUtf8(readPemVerifier(fromBase64(content)).canonicalPem)));
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    throw badRequest(`publicKey in body does not parse: ${cause.message}`);
  }
}

/** @throws {Fault} rekor/parameter, rekor/request */
export function readSearchRequest(body: Uint8Array): SearchRequest {
  const { email, subject, publicKey, hash, operator = 'or' } = objectOf(body);
  if (operator !== 'and' && operator !== 'or') throw parameter('operator in body should be one of [and or]');
  const keys: string[] = [];
  for (const text of [email, subject]) {
    if (text === undefined || text === null || text === '') continue;
    if (typeof text !== 'string' || text.length > MAX_SUBJECT) {
      throw parameter(`email and subject in body are texts of at most ${MAX_SUBJECT} characters`);
    }
    keys.push(text.toLowerCase());
  }
  if (typeof hash === 'string' && hash !== '') keys.push(hashKey(hash));
  if (publicKey !== undefined && publicKey !== null) keys.push(publicKeyKey(publicKey));
  if (keys.length === 0) throw badRequest('Received empty query');
  return { keys, operator };
}
