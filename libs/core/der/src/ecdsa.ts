/**
 * The two spellings of an ECDSA signature: `r ‖ s` of fixed width, as PKCS#11 tokens answer it, and the
 * `ECDSA-Sig-Value` SEQUENCE of RFC 3279 §2.2.3, as every client expects it.
 */
import { Fault } from '#core/fault';
import { type DerReader, readSequence } from './reader.js';
import { sequence, unsignedInteger } from './writer.js';

/** `raw` is r and s, each of half its length; neither may be zero. */
export function ecdsaRawToDer(raw: Uint8Array): Uint8Array {
  if (raw.length === 0 || raw.length % 2 !== 0) {
    throw new Fault('malformed', 'der/ecdsa', 'a raw ECDSA signature is two integers of the same width');
  }
  const [r, s] = [raw.subarray(0, raw.length / 2), raw.subarray(raw.length / 2)];
  if (r.every((octet) => octet === 0) || s.every((octet) => octet === 0)) {
    throw new Fault('malformed', 'der/ecdsa', 'neither integer of an ECDSA signature is zero');
  }
  return sequence(unsignedInteger(r), unsignedInteger(s));
}

/** `size` is the width of one integer in octets: 32 for P-256, 48 for P-384, 66 for P-521. */
export function ecdsaDerToRaw(der: Uint8Array, size: number): Uint8Array {
  return readSequence(der, (members) => {
    const raw = new Uint8Array(2 * size);
    place(raw.subarray(0, size), members);
    place(raw.subarray(size), members);
    return raw;
  });
}

function place(into: Uint8Array, members: DerReader): void {
  const octets = members.integerOctets();
  if ((octets[0] ?? 0) >= 0x80)
    throw new Fault('malformed', 'der/ecdsa', 'an ECDSA signature holds no negative integer');
  const value = octets[0] === 0 ? octets.subarray(1) : octets;
  if (value.length === 0 || value.length > into.length) {
    throw new Fault(
      'malformed',
      'der/ecdsa',
      'an integer of the ECDSA signature is zero or too wide for the curve',
    );
  }
  into.set(value, into.length - value.length);
}
