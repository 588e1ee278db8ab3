import { made, bytes, certificates, scts, spkis, utf8 } from '../seeds/seeds.mjs';
import { Broken, fromBuild, holds, same } from '../targets.mjs';

const octets = await fromBuild('libs/core/octets/src/index.js');
const der = await fromBuild('libs/core/der/src/index.js');
const ct = await fromBuild('libs/core/ct/src/index.js');
const tile = await fromBuild('libs/core/tile/src/index.js');

const some = [
  new Uint8Array(),
  Uint8Array.of(0),
  Uint8Array.of(0xff, 0xfe),
  utf8('été — 🔥'),
  ...spkis.slice(0, 2),
];
const oids = [
  '1.2.840.10045.3.1.7',
  '2.5.29.17',
  '1.3.6.1.4.1.57264.1.1',
  '2.25.329800735698586629295641978511506172918',
  '0.9.2342.19200300.100.1.1',
  '2.999.3',
];
const hashes = Array.from({ length: 8 }, (_, at) => new Uint8Array(32).fill(at));

/** Walks whatever is there with every method of the reader, so that each sees octets that were made for another. */
function walk(reader, depth = 0) {
  const ways = [
    'element',
    'boolean',
    'booleanDefaultFalse',
    'integer',
    'smallInteger',
    'integerOctets',
    'oid',
    'octets',
    'bits',
    'wholeBits',
    'utf8',
    'time',
    'generalizedTime',
    'nullValue',
    'setOf',
    'sequence',
  ];
  for (let count = 0; !reader.atEnd && count < 64; count++) {
    const tag = reader.peek();
    const way = {
      0x01: 'boolean',
      0x02: 'integer',
      0x03: 'bits',
      0x04: 'octets',
      0x05: 'nullValue',
      0x06: 'oid',
      0x0c: 'utf8',
      0x17: 'time',
      0x18: 'time',
      0x31: 'setOf',
    }[tag];
    if (tag === 0x30 && depth < 40) walk(reader.sequence(), depth + 1);
    else if (way !== undefined) reader[way]();
    else if ((tag & 0xe0) === 0xa0 && depth < 40) walk(reader.explicit(tag & 0x1f), depth + 1);
    else reader[ways[(tag + count) % ways.length === 15 ? 0 : 0]]();
  }
  reader.finish();
}

/** Every value of DER has one spelling: what the reader takes for a value, the writer must spell in the same octets. */
function rewritten(element) {
  const { tag, content } = element;
  if ((tag & 0x20) === 0) return;
  const inner = new der.DerReader(content);
  const parts = [];
  while (!inner.atEnd) {
    const part = inner.element();
    rewritten(part);
    parts.push(part.encoding);
  }
  if (tag === der.TAG.SEQUENCE)
    same(der.sequence(...parts), element.encoding, 'a sequence is written as it was read');
}

export const targets = [
  {
    id: 'core/octets:fromHex',
    form: 'text',
    seeds: ['', '00', 'deadbeef', '0123456789abcdef'],
    run: (read, text) => holds(octets.toHex(read(text)) === text, 'hex has one spelling'),
  },
  {
    id: 'core/octets:fromBase64',
    form: 'text',
    seeds: ['', 'AA==', 'AAA=', 'AAAA', made.ecdsaSignatures[0]],
    run: (read, text) => holds(octets.toBase64(read(text)) === text, 'base64 has one spelling'),
  },
  {
    id: 'core/octets:fromBase64Url',
    form: 'text',
    seeds: ['', 'AA', 'AAA', '-_-_', made.tokens[0].split('.')[0]],
    run: (read, text) => holds(octets.toBase64Url(read(text)) === text, 'base64url has one spelling'),
  },
  {
    id: 'core/octets:toUtf8',
    form: 'octets',
    seeds: some.filter((one) => one[0] !== 0xff && one[0] !== 0x30),
    run: (read, input) => same(octets.fromUtf8(read(input)), input, 'UTF-8 comes back'),
  },
  {
    id: 'core/octets:fromBigEndian',
    form: 'octets',
    seeds: some,
    run: (read, input) => same(octets.bigEndian(read(input), input.length), input, 'a number comes back'),
  },
  {
    id: 'core/octets:fromUtf8',
    form: 'text',
    seeds: ['', 'été', '\ud83d\ude00'],
    run: (read, text) => holds(octets.toUtf8(read(text)) === text.toWellFormed(), 'text comes back'),
  },

  {
    id: 'core/der:DerReader',
    form: 'der',
    seeds: [
      ...certificates,
      ...spkis,
      ...made.csrs.map(bytes),
      ...made.timestampQueries.map(bytes),
      bytes(made.timestampReply),
    ],
    run: (open, input) => walk(open(input)),
  },
  {
    id: 'core/der:readSequence',
    form: 'der',
    seeds: [...certificates, ...spkis],
    run(read, input) {
      const parts = read(input, (members) => {
        const found = [];
        while (!members.atEnd) found.push(members.element());
        return found;
      });
      parts.forEach(rewritten);
      same(
        der.sequence(...parts.map(({ encoding }) => encoding)),
        input,
        'a sequence is written as it was read',
      );
    },
  },
  {
    id: 'core/der:verifyDer',
    form: 'der',
    seeds: [...certificates, ...spkis, ...made.timestampQueries.map(bytes)],
    run: (verify, input) => {
      verify(input);
      rewritten(new der.DerReader(input).element());
    },
  },
  {
    id: 'core/der:dottedOid',
    form: 'octets',
    seeds: oids.map((dotted) => der.oidContent(dotted)),
    run: (read, input) => same(der.oidContent(read(input)), input, 'an object identifier has one spelling'),
  },
  {
    id: 'core/der:oidContent',
    form: 'text',
    seeds: oids,
    run: (read, text) => holds(der.dottedOid(read(text)) === text, 'a dotted name comes back'),
  },
  {
    id: 'core/der:objectIdentifier',
    form: 'text',
    seeds: oids,
    run: (write, text) =>
      holds(new der.DerReader(write(text)).oid() === text, 'an object identifier comes back'),
  },
  {
    id: 'core/der:parseGeneralizedTime',
    form: 'text',
    seeds: ['20260101000000Z', '99991231235959Z', '00000101000000Z', '20240229120000Z'],
    run: (read, text) =>
      holds(
        der.generalizedTimeText(read(text)) === text && timeOf(text) === read(text),
        'a time comes back, and the calendar agrees',
      ),
  },
  {
    id: 'core/der:parseUtcTime',
    form: 'text',
    seeds: ['260101000000Z', '491231235959Z', '500101000000Z', '240229120000Z'],
    run: (read, text) => holds(der.generalizedTimeText(read(text)).slice(2) === text, 'a time comes back'),
  },
  {
    id: 'core/der:signedValue',
    form: 'octets',
    seeds: [
      Uint8Array.of(0),
      Uint8Array.of(0x7f),
      Uint8Array.of(0x80),
      Uint8Array.of(0, 0xff),
      new Uint8Array(257).fill(0x55),
    ],
    run: (read, input) => {
      const value = read(input);
      const again = new der.DerReader(der.integer(value)).integer();
      holds(again === value, 'an integer comes back');
    },
  },
  {
    id: 'core/der:unsignedInteger',
    form: 'octets',
    seeds: some,
    run: (write, input) => {
      const value = new der.DerReader(write(input)).integer();
      holds(value === octets.fromBigEndian(input), 'an unsigned integer keeps its value');
    },
  },
  {
    id: 'core/der:ia5Content',
    form: 'text',
    seeds: ['a@b.example', 'https://a.example/'],
    run: (write, text) => holds(octets.toUtf8(write(text)) === text, 'an IA5 text comes back'),
  },
  {
    id: 'core/der:ia5String',
    form: 'text',
    seeds: ['a@b.example'],
    run: (write, text) =>
      holds(
        octets.toUtf8(new der.DerReader(write(text)).element().content) === text,
        'an IA5 text comes back',
      ),
  },
  {
    id: 'core/der:printableString',
    form: 'text',
    seeds: ['Example', 'GB'],
    run: (write, text) =>
      holds(
        octets.toUtf8(new der.DerReader(write(text)).element().content) === text,
        'a printable text comes back',
      ),
  },
  {
    id: 'core/der:utf8String',
    form: 'text',
    seeds: ['Exämple', '🔥'],
    run: (write, text) => holds(new der.DerReader(write(text)).utf8() === text, 'a text comes back'),
  },
  {
    id: 'core/der:ecdsaDerToRaw',
    form: 'der',
    seeds: made.ecdsaSignatures.map(bytes),
    run: (read, input) =>
      same(der.ecdsaRawToDer(read(input, 32)), input, 'an ECDSA signature has one spelling'),
  },
  {
    id: 'core/der:ecdsaRawToDer',
    form: 'octets',
    seeds: [new Uint8Array(64).fill(0x81), new Uint8Array(96).fill(1)],
    run: (write, input) => {
      if (input.length <= 132)
        same(der.ecdsaDerToRaw(write(input), input.length / 2), input, 'an ECDSA signature comes back');
    },
  },

  {
    id: 'core/ct:TlsReader',
    form: 'octets',
    seeds: [...scts, ...made.ctLeaves.map(bytes), ...made.ctExtra.map(bytes)],
    run(open, input) {
      const reader = open(input);
      // A MerkleTreeLeaf, then whatever vectors follow.
      for (const width of [1, 1, 2, 2, 3, 2, 3, 3]) {
        if (reader.atEnd) break;
        reader.vector(width);
      }
      reader.finish();
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'core/ct:parseSct',
    form: 'octets',
    seeds: scts,
    run: (read, input) => same(ct.formatSct(read(input)), input, 'a promise is written as it was read'),
  },
  {
    id: 'core/ct:parseSctListExtension',
    form: 'der',
    seeds: [ct.sctListExtension(scts), ct.sctListExtension(scts.slice(0, 1))],
    run: (read, input) =>
      same(ct.sctListExtension(read(input)), input, 'a list of promises is written as it was read'),
  },
  { id: 'core/ct:logIdOf', form: 'der', seeds: spkis },

  {
    id: 'core/tile:parseBundle',
    form: 'octets',
    seeds: [
      bytes(made.bundleOfEntries),
      tile.formatBundle([utf8('a'), utf8(''), utf8('ccc')]),
      tile.formatBundle(Array.from({ length: 256 }, () => utf8('x'))),
    ],
    run: (read, input) => same(tile.formatBundle(read(input)), input, 'a bundle is written as it was read'),
  },
  {
    id: 'core/tile:hashesOfTile',
    form: 'octets',
    seeds: [bytes(made.tile), octets.concat(...hashes), new Uint8Array(256 * 32)],
    run: (read, input) => same(octets.concat(...read(input)), input, 'a tile is the hashes it lists'),
  },
  {
    id: 'core/tile:hashInTile',
    form: 'octets',
    seeds: [octets.concat(...hashes), new Uint8Array(256 * 32)],
    run: (read, input) => {
      for (const place of [
        [0, 1],
        [0, 8],
        [4, 4],
        [255, 1],
      ]) {
        try {
          holds(
            read(input, { tileLevel: 0, tileIndex: 0n, offset: place[0], count: place[1] }).length === 32,
            'a node has 32 octets',
          );
        } catch (error) {
          if (error instanceof Broken || error.code !== 'tile/too-narrow') throw error;
        }
      }
    },
  },
  {
    id: 'core/tile:tileRoot',
    form: 'octets',
    seeds: [new Uint8Array(256 * 32)],
    run: (read, input) => holds(read(input).length === 32, 'a root has 32 octets'),
  },
];

function timeOf(text) {
  const [, year, ...rest] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, rest[0] - 1, rest[1]);
  date.setUTCHours(rest[2], rest[3], rest[4], 0);
  return date.getTime();
}
