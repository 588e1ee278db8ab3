/** What clients of a certificate log ask (RFC 6962 §4). */
import { Fault, isFault } from '#core/fault';
import { isJsonObject, parseJson } from '#core/json';
import { fromBase64 } from '#core/octets';

export type Query = Readonly<Record<string, unknown>>;

function badRequest(message: string, cause?: unknown): Fault {
  return new Fault('malformed', 'ct/request', message, cause === undefined ? {} : { cause });
}

/** A non-negative decimal number below 2^53 from the query string. @throws {Fault} ct/request */
export function numberIn(query: Query, name: string): bigint {
  const value = query[name];
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) {
    throw badRequest(`parameter '${name}' must be a whole number and not negative`);
  }
  return BigInt(value);
}

/** @throws {Fault} ct/request */
export function hashIn(query: Query, name: string): Uint8Array {
  const value = query[name];
  try {
    const hash = fromBase64(typeof value === 'string' ? value : '');
    if (hash.length === 32) return hash;
  } catch (error) {
    if (!isFault(error)) throw error;
  }
  throw badRequest(`parameter '${name}' must be the base64 of 32 octets; mind that '+' is to be escaped`);
}

function octetsOf(text: unknown): Uint8Array {
  if (typeof text !== 'string') throw badRequest('each certificate of the chain is a text of base64');
  return fromBase64(text);
}

/** The DER certificates of an add-chain or add-pre-chain request. @throws {Fault} ct/request */
export function readChain(body: Uint8Array): Uint8Array[] {
  try {
    const request = parseJson(body);
    if (isJsonObject(request) && Array.isArray(request['chain'])) {
      return (request['chain'] as readonly unknown[]).map(octetsOf);
    }
  } catch (error) {
    if (!isFault(error)) throw error;
    throw badRequest(`the request does not parse: ${error.message}`, error);
  }
  throw badRequest('expected { "chain": [ … ] } with base64 DER certificates, leaf first');
}
