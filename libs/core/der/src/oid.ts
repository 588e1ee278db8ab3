import { Fault } from '#core/fault';

/** Decimal numbers of so many digits are exact as numbers. */
const EXACT_DIGITS = 15;
/** Arcs up to this many octets are exact as numbers; longer ones exist only below 2.25, made from UUIDs. */
const EXACT_OCTETS = 7;
/** 128 bits in groups of seven. */
const MAX_ARC_OCTETS = 19;

function refuse(why: string): Fault {
  return new Fault('malformed', 'der/oid', `an object identifier ${why}`);
}

/**
 * The content octets of an OBJECT IDENTIFIER, without tag and length (X.690 §8.19).
 *
 * @throws {Fault} der/oid unless `dotted` is canonical: `1.2.840.10045`, no leading zeros
 */
export function oidContent(dotted: string): Uint8Array {
  if (!/^[012](\.(0|[1-9]\d{0,38}))+$/.test(dotted))
    throw refuse('is written as numbers with dots between them');
  const [first = '', second = '', ...rest] = dotted.split('.');
  if (first !== '2' && second.length > 1 && Number(second) > 39)
    throw refuse('below 0 or 1 has a second number of at most 39');
  const octets: number[] = [];
  pushArc(octets, sum(second, 40 * Number(first)));
  for (const arc of rest) pushArc(octets, arc.length <= EXACT_DIGITS ? Number(arc) : BigInt(arc));
  return Uint8Array.from(octets);
}

function sum(digits: string, more: number): number | bigint {
  return digits.length < EXACT_DIGITS ? Number(digits) + more : BigInt(digits) + BigInt(more);
}

/** In groups of seven bits, the highest first, all but the last marked. */
function pushArc(octets: number[], arc: number | bigint): void {
  const groups: number[] = [];
  if (typeof arc === 'number') {
    for (let left = arc; groups.length === 0 || left > 0; left = Math.floor(left / 128))
      groups.push(left % 128);
  } else {
    for (let left = arc; groups.length === 0 || left > 0n; left >>= 7n) groups.push(Number(left & 0x7fn));
  }
  for (let at = groups.length - 1; at >= 0; at--) octets.push((groups[at] ?? 0) | (at === 0 ? 0 : 0x80));
}

/**
 * The dotted spelling of the content octets of an OBJECT IDENTIFIER.
 *
 * @throws {Fault} der/oid if an arc is padded, cut off or longer than a UUID
 */
export function dottedOid(content: Uint8Array): string {
  const arcs: (number | bigint)[] = [];
  let arc = 0;
  let start = 0;
  for (let at = 0; at < content.length; at++) {
    const octet = content[at] ?? 0;
    const octets = at - start + 1;
    if (octets === 1 && octet === 0x80) throw refuse('may not pad its numbers');
    if (octets > MAX_ARC_OCTETS) throw refuse('has a number that is too large');
    arc = arc * 128 + (octet & 0x7f);
    if ((octet & 0x80) !== 0) continue;
    arcs.push(octets <= EXACT_OCTETS ? arc : exactArc(content.subarray(start, at + 1)));
    arc = 0;
    start = at + 1;
  }
  const [head] = arcs;
  if (start !== content.length || head === undefined) throw refuse('stops in the middle of a number');
  if (head >= 80) arcs.splice(0, 1, 2, typeof head === 'bigint' ? head - 80n : head - 80);
  else arcs.splice(0, 1, Math.floor(Number(head) / 40), Number(head) % 40);
  return arcs.join('.');
}

function exactArc(octets: Uint8Array): bigint {
  return octets.reduce((arc, octet) => (arc << 7n) | BigInt(octet & 0x7f), 0n);
}
