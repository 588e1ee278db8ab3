/**
 * Bytes and their spellings.
 *
 * Parsers of text are strict: what they accept is exactly what the formatter of the same name writes,
 * so that one value has one spelling. Node's own decoders skip bytes that they do not understand, which
 * would let two different texts stand for the same hash.
 */
import { Fault } from '#core/fault';

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A view as Buffer without a copy. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One new array that holds `parts` in order. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Whether both hold the same bytes; not constant-time, so never for secrets. */
export function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && asBuffer(a).equals(b);
}

/** Order by unsigned byte values, the shorter first when one is a prefix. */
export function compareOctets(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex');
}

/** @throws {Fault} octets/not-hex unless `text` is an even number of lower-case digits */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) {
    throw new Fault('malformed', 'octets/not-hex', 'expected lower-case hexadecimal digits in pairs');
  }
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64');
}

/** @throws {Fault} octets/not-base64 unless `text` is canonical padded base64 (RFC 4648 §4) */
export function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) {
    throw new Fault(
      'malformed',
      'octets/not-base64',
      'expected standard base64 with padding and no line breaks',
    );
  }
  return new Uint8Array(bytes);
}

/** Base64url without padding (RFC 4648 §5), as in JWTs. */
export function toBase64Url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url');
}

/** @throws {Fault} octets/not-base64 unless `text` is canonical unpadded base64url */
export function fromBase64Url(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) {
    throw new Fault('malformed', 'octets/not-base64', 'expected base64url without padding');
  }
  return new Uint8Array(bytes);
}

export function toUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch (cause) {
    throw new Fault('malformed', 'octets/not-utf8', 'expected valid UTF-8', { cause });
  }
}

export function fromUtf8(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/** Unsigned big-endian integer in exactly `width` octets; throws RangeError if it does not fit. */
export function bigEndian(value: bigint | number, width: number): Uint8Array {
  const whole = BigInt(value);
  if (whole < 0n || whole >> BigInt(8 * width) !== 0n)
    throw new RangeError(`${value} does not fit in ${width} octets`);
  if (whole > BigInt(Number.MAX_SAFE_INTEGER))
    return Uint8Array.from(Buffer.from(whole.toString(16).padStart(2 * width, '0'), 'hex'));
  const bytes = new Uint8Array(width);
  for (let at = width - 1, rest = Number(whole); rest > 0; at--, rest = Math.floor(rest / 256))
    bytes[at] = rest % 256;
  return bytes;
}

/** The unsigned big-endian integer that all of `bytes` spell. */
export function fromBigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}
