/**
 * The requests of Rekor v2 (`POST /api/v2/log/entries`).
 *
 * Clients see upstream's own words, which name only the kind of request (CONTRACTS §4.3); what was wrong with
 * it is in the fault's detail as `reason`, and its code says so too.
 */
import { Fault, isFault } from '#core/fault';
import { parseJson, type JsonValue } from '#core/json';
import type { ProposedEntry } from '../proposed-entry.js';
import { readDsseRequest } from './dsse-request.js';
import { readHashedRekordRequest } from './hashedrekord-0.0.2.js';
import { readMessage } from './message.js';

export { MAX_V2_ENTRY_BYTES } from './hashedrekord-0.0.2.js';

function inWords<T>(message: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    throw new Fault(cause.kind, cause.code, message, {
      cause,
      detail: { ...cause.detail, reason: cause.message },
    });
  }
}

function proposed(
  value: JsonValue,
  read: (value: JsonValue) => ProposedEntry,
  message: string,
): ProposedEntry {
  const entry = inWords(message, () => read(value));
  return { ...entry, verify: () => inWords(message, entry.verify) };
}

export interface V2Options {
  /** Writes dsse/0.0.2 for a DSSE request, as logs of before June 2026 did; default false. */
  readonly nativeDsse?: boolean;
}

/**
 * The entry that a `CreateEntryRequest` in JSON asks for.
 *
 * @throws {Fault} json/malformed, entry/…; each means 400 to the client
 */
export function readV2Entry(body: Uint8Array, { nativeDsse = false }: V2Options = {}): ProposedEntry {
  const request = readMessage(parseJson(body), ['hashedRekordRequestV002', 'dsseRequestV002']);
  const { hashedRekordRequestV002: hashedRekord, dsseRequestV002: dsse } = request;
  if (hashedRekord !== undefined && dsse === undefined) {
    return proposed(hashedRekord, readHashedRekordRequest, 'invalid hashedrekord request');
  }
  if (dsse !== undefined && hashedRekord === undefined) {
    return proposed(dsse, (value) => readDsseRequest(value, nativeDsse), 'invalid dsse request');
  }
  throw new Fault('malformed', 'entry/kind', 'invalid type, must be hashedrekord');
}
