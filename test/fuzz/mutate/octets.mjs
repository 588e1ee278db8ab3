/** Octets without regard for what they mean: flips, splices, cuts, numbers at their edges. */

const EDGES = [0, 1, 0x7f, 0x80, 0x81, 0xfe, 0xff];
const WIDE = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  (1n << 53n) - 1n,
  1n << 53n,
  (1n << 53n) + 1n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];

export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function place(chance, bytes) {
  const at = chance.below(bytes.length + 1);
  return [at, Math.min(bytes.length, at + 1 + chance.length(bytes.length - at))];
}

/** @type {((bytes: Uint8Array, chance: import('../chance.mjs').Chance, others: readonly Uint8Array[]) => Uint8Array)[]} */
const WAYS = [
  function flipBits(bytes, chance) {
    const next = bytes.slice();
    for (let left = 1 + chance.below(3); left > 0 && next.length > 0; left--)
      next[chance.below(next.length)] ^= 1 << chance.below(8);
    return next;
  },
  function setOctet(bytes, chance) {
    const next = bytes.slice();
    if (next.length > 0)
      next[chance.below(next.length)] = chance.once(2) ? chance.of(EDGES) : chance.below(256);
    return next;
  },
  function stepOctet(bytes, chance) {
    const next = bytes.slice();
    if (next.length > 0) next[chance.below(next.length)] += chance.of([1, 255, 2, 254, 16, 240]);
    return next;
  },
  function writeNumber(bytes, chance) {
    const next = bytes.slice();
    const width = chance.of([2, 3, 4, 8]);
    const from = chance.below(Math.max(1, next.length - width + 1));
    let value = chance.of(WIDE);
    for (let at = width - 1; at >= 0; at--, value >>= 8n)
      if (from + at < next.length) next[from + at] = Number(value & 0xffn);
    return next;
  },
  function stepLength(bytes, chance) {
    // Whatever two or three octets spell the number of those that follow: make that a lie.
    const found = [];
    for (let at = 0; at + 2 <= bytes.length && found.length < 200; at++) {
      const rest = bytes.length - at - 2;
      const value = bytes[at] * 256 + bytes[at + 1];
      if (value > 0 && value <= rest) found.push(at);
    }
    if (found.length === 0) return bytes;
    const next = bytes.slice();
    const at = chance.of(found);
    const value =
      (next[at] * 256 + next[at + 1] + chance.of([1, -1, 2, -2, 256, -256, next.length])) & 0xffff;
    next[at] = value >> 8;
    next[at + 1] = value & 0xff;
    return next;
  },
  function cutOut(bytes, chance) {
    const [from, to] = place(chance, bytes);
    return joined(bytes.subarray(0, from), bytes.subarray(to));
  },
  function repeat(bytes, chance) {
    const [from, to] = place(chance, bytes);
    const part = bytes.subarray(from, to);
    return joined(
      bytes.subarray(0, to),
      ...Array.from({ length: 1 + chance.length(64) }, () => part),
      bytes.subarray(to),
    );
  },
  function truncate(bytes, chance) {
    return bytes.slice(0, chance.below(bytes.length + 1));
  },
  function extend(bytes, chance) {
    return joined(
      bytes,
      chance.once(2) ? chance.octets(1 + chance.length(64)) : new Uint8Array(1 + chance.length(64)),
    );
  },
  function insert(bytes, chance) {
    const at = chance.below(bytes.length + 1);
    return joined(bytes.subarray(0, at), chance.octets(1 + chance.length(32)), bytes.subarray(at));
  },
  function splice(bytes, chance, others) {
    const other = chance.of(others);
    return joined(
      bytes.subarray(0, chance.below(bytes.length + 1)),
      other.subarray(chance.below(other.length + 1)),
    );
  },
  function transplant(bytes, chance, others) {
    const [from, to] = place(chance, bytes);
    const other = chance.of(others);
    const [start, end] = place(chance, other);
    return joined(bytes.subarray(0, from), other.subarray(start, end), bytes.subarray(to));
  },
];

/** One change, of any kind. */
export function changeOctets(bytes, chance, others) {
  return chance.of(WAYS)(bytes, chance, others);
}
