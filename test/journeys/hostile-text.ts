/** JSON that means nothing, two things, or too much: each door that takes JSON must refuse all of it. */
export const HOSTILE_JSON: readonly (readonly [string, string | Uint8Array])[] = [
  ['nothing', ''],
  ['half an object', '{"kind":"hashedrekord",'],
  ['not an object', '[]'],
  ['null', 'null'],
  ['text', '"hashedrekord"'],
  ['a name twice', '{"kind":"hashedrekord","kind":"dsse"}'],
  ['a name twice, once escaped', '{"kind":"hashedrekord","\\u006bind":"dsse"}'],
  ['data behind the end', '{"kind":"hashedrekord"}{}'],
  ['a comment', '{"kind":"hashedrekord"/**/}'],
  ['a byte order mark', '\ufeff{"kind":"hashedrekord"}'],
  [
    'octets that are no UTF-8',
    Buffer.concat([Buffer.from('{"kind":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
  ],
  ['half a surrogate pair', '{"kind":"\\ud800"}'],
  ['a control character in text', '{"kind":"\u0001"}'],
  ['arrays, ten thousand deep', `{"kind":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
  ['objects, a hundred thousand deep', '{"a":'.repeat(100_000)],
  ['a prototype', '{"__proto__":{"kind":"hashedrekord"}}'],
];

/** An ECDSA signature whose first integer has a needless leading zero. */
export function nonMinimal(signature: Buffer): Buffer {
  const length = signature[3] ?? 0;
  const longer = Buffer.concat([Buffer.from([2, length + 1, 0]), signature.subarray(4)]);
  return Buffer.concat([Buffer.from([0x30, longer.length]), longer]);
}

/** A SEQUENCE whose length takes an octet more than it needs. */
export function longLength(der: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x30, 0x81]), der.subarray(1)]);
}

export function withTrailingOctet(der: Buffer): Buffer {
  return Buffer.concat([der, Buffer.from([0])]);
}
