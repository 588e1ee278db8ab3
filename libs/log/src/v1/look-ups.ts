/**
 * What `entries/retrieve` asks for, out of its JSON body (CONTRACTS §3.8).
 *
 * A look-up may hold whole proposed entries, 32 MiB of them, so this is read where entries are checked: on a thread
 * that serves nobody else. What leaves it is small: only the hash of the leaf that a proposal would become.
 */
import { canonicaliseV1 } from '#core/entry';
import { Fault, isFault } from '#core/fault';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '#core/json';
import { leafHash } from '#core/merkle';

/** Look-ups of one call. */
const MAX_LOOKUPS = 10;

export interface LookUps {
  /** As they were written: UUIDs, or entry IDs with a tree's number before. */
  readonly entryIds: readonly string[];
  /** Over all shards. */
  readonly indexes: readonly bigint[];
  /** Of the leaves that the proposed entries would become. */
  readonly leafHashes: readonly Uint8Array[];
}

/** Out of the range or shape that the API's description allows: 422 in every Rekor. */
export function parameterFault(message: string): Fault {
  return new Fault('malformed', 'rekor/parameter', message);
}

export function requestFault(message: string): Fault {
  return new Fault('malformed', 'rekor/request', message);
}

/** The JSON object that a body of Rekor v1 is. @throws {Fault} rekor/request */
export function requestObject(body: Uint8Array): JsonObject {
  let value: JsonValue;
  try {
    value = parseJson(body);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    throw requestFault(`parsing body: ${cause.message}`);
  }
  if (!isJsonObject(value)) throw requestFault('parsing body: expected a JSON object');
  return value;
}

function listAt(object: JsonObject, name: string): readonly JsonValue[] {
  const list = object[name];
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw requestFault(`${name} in body must be a list`);
  return list as readonly JsonValue[];
}

/** @throws {Fault} rekor/parameter with more than ten look-ups, rekor/request, entry/… */
export function readLookUps(body: Uint8Array): LookUps {
  const request = requestObject(body);
  const [entryIds, indexes, entries] = [
    listAt(request, 'entryUUIDs'),
    listAt(request, 'logIndexes'),
    listAt(request, 'entries'),
  ];
  if (entryIds.length + indexes.length + entries.length > MAX_LOOKUPS) {
    throw parameterFault(`more than max allowed ${MAX_LOOKUPS} entries in request`);
  }
  return {
    entryIds: entryIds.map((id) => {
      if (typeof id !== 'string') throw requestFault('entryUUIDs in body must be strings');
      return id;
    }),
    indexes: indexes.map((index) => {
      if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0) {
        throw requestFault('logIndexes in body must be whole numbers and not negative');
      }
      return BigInt(index);
    }),
    leafHashes: entries.map((entry) => leafHash(canonicaliseV1(entry))),
  };
}
