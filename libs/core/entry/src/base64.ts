import { isFault } from '#core/fault';
import { fromBase64 } from '#core/octets';
import { malformed } from './refuse.js';

function decode(text: string, what: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch (error) {
    if (!isFault(error)) throw error;
    throw malformed(`failed parsing base64 data for ${what}`, error);
  }
}

/** Standard base64; line breaks are skipped, as Go's decoder does for the clients that wrap. */
export function wrappedBase64(text: string, what: string): Uint8Array {
  return decode(text.replaceAll(/[\r\n]/g, ''), what);
}

/** Standard or URL-safe base64, padded or not: what protobuf's JSON mapping and DSSE allow for octets. */
export function anyBase64(text: string, what: string): Uint8Array {
  const body = text.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/');
  return decode(body.padEnd(Math.ceil(body.length / 4) * 4, '='), what);
}
