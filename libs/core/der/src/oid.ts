import { Fault } from '#core/fault';

/** Arcs beyond this would not be exact numbers; no registered identifier comes near it. */
const MAX_ARC_OCTETS = 7;

function refuse(why: string): Fault {
  return new Fault('malformed', 'der/oid', `an object identifier ${why}`);
}

/**
 * The content octets of an OBJECT IDENTIFIER, without tag and length (X.690 §8.19).
 *
 * @throws {Fault} der/oid unless `dotted` is canonical: `1.2.840.10045`, no leading zeros
 */
export function oidContent(dotted: string): Uint8Array {
  if (!/^[012](\.(0|[1-9]\d{0,14}))+$/.test(dotted)) throw refuse('is written as numbers with dots between them');
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  if (first < 2 && second > 39) throw refuse('below 0 or 1 has a second number of at most 39');
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) | 0x80);
    octets.push(...digits);
  }
  return Uint8Array.from(octets);
}

/**
 * The dotted spelling of the content octets of an OBJECT IDENTIFIER.
 *
 * @throws {Fault} der/oid if an arc is padded, cut off or longer than anything registered
 */
export function dottedOid(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  let octets = 0;
  for (const octet of content) {
    if (octets === 0 && octet === 0x80) throw refuse('may not pad its numbers');
    if (++octets > MAX_ARC_OCTETS) throw refuse('has a number that is too large');
    arc = arc * 128 + (octet & 0x7f);
    if ((octet & 0x80) !== 0) continue;
    arcs.push(arc);
    arc = 0;
    octets = 0;
  }
  const [head] = arcs;
  if (octets !== 0 || head === undefined) throw refuse('stops in the middle of a number');
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - first * 40, ...arcs.slice(1)].join('.');
}
