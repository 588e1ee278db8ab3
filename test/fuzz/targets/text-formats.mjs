import { made, bytes, spkis, file, utf8 } from '../seeds/seeds.mjs';
import { fromBuild, holds, same } from '../targets.mjs';

const octets = await fromBuild('libs/core/octets/src/index.js');
const note = await fromBuild('libs/core/note/src/index.js');
const pem = await fromBuild('libs/core/pem/src/index.js');
const tile = await fromBuild('libs/core/tile/src/index.js');
const crypto = await fromBuild('libs/core/crypto/src/index.js');
const hsm = await fromBuild('libs/hsm/src/index.js');
const frames = await fromBuild('libs/hsm/src/frames.js');
const log = await fromBuild('libs/log/src/index.js');

const checkpoints = made.notes.slice(0, 2).map((text) => text.slice(0, text.lastIndexOf('\n\n') + 1));
const ed25519 = octets.concat(Uint8Array.of(1), spkis[5].subarray(12));
const verifierKey = `witness.example+${octets.toHex(crypto.sha256(octets.fromUtf8('witness.example\n'), ed25519)).slice(0, 8)}+${octets.toBase64(ed25519)}`;
const frame = frames.formatFrame;

export const targets = [
  {
    id: 'core/note:parseNote',
    form: 'text',
    takes: 'octets',
    seeds: [...made.notes, 'a text\n\nwith a gap\n\n\u2014 a AAAAAAA=\n\u2014 b/c AAAAAAAA\n'],
    run(read, input) {
      const read1 = read(input);
      same(octets.fromUtf8(note.formatNote(read1)), input, 'a note is written as it was read');
      holds(read(octets.toUtf8(input)).text === read1.text, 'a note means the same as text and as octets');
    },
  },
  {
    id: 'core/note:parseCheckpoint',
    form: 'text',
    seeds: [...checkpoints, 'a log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\n'],
    run: (read, text) =>
      holds(note.formatCheckpoint(read(text)) === text, 'a checkpoint is written as it was read'),
  },
  {
    id: 'core/note:parseVerifierKey',
    form: 'text',
    seeds: [verifierKey],
    run: (read, text) => holds(text.startsWith(`${read(text).name}+`), 'a verifier key keeps its name'),
  },
  {
    id: 'core/note:logVerifier',
    form: 'text',
    seeds: ['log.example', '127.0.0.1'],
    run: (open, text) => open(text, crypto.parsePublicKey(spkis[0])),
  },
  {
    id: 'core/note:logVerifierV1',
    form: 'text',
    seeds: ['log.example', '127.0.0.1'],
    run: (open, text) => open(text, crypto.parsePublicKey(spkis[0])),
  },
  {
    id: 'core/note:signNote',
    form: 'text',
    seeds: checkpoints,
    run(sign, text) {
      const written = sign(text, 'log.example', new Uint8Array(4), new Uint8Array(64));
      holds(note.parseNote(written).text === text, 'what is signed is what is read');
    },
  },
  {
    id: 'hsm/agent/head:readHead',
    form: 'text',
    takes: 'octets',
    seeds: checkpoints,
    run(read, input) {
      const head = read(input);
      if (typeof head === 'object')
        holds(
          head.size >= 0n && head.root.length === 32 && head.origin !== '',
          'a head has an origin, a size and a root',
        );
    },
  },
  {
    id: 'core/pem:parsePem',
    form: 'text',
    seeds: made.pem,
    run(read, text) {
      const blocks = read(text);
      const again = read(blocks.map(({ label, der }) => pem.formatPem(label, der)).join(''));
      holds(
        JSON.stringify(again.map(({ label }) => label)) === JSON.stringify(blocks.map(({ label }) => label)),
        'PEM blocks come back',
      );
      blocks.forEach(({ der }, at) => same(again[at].der, der, 'PEM blocks come back'));
    },
  },
  {
    id: 'core/tile:parseTilePath',
    form: 'text',
    seeds: ['tile/0/000', 'tile/entries/x001/x234/067.p/255', 'tile/63/000', 'tile/1/x001/000.p/1'],
    run: (read, text) => {
      const { level, index, width } = read(text);
      holds(tile.tilePath(level, index, width) === text, 'a tile has one path');
    },
  },
  {
    id: 'log:parseEntryId',
    form: 'text',
    seeds: [...made.entryIds, made.entryIds[0].slice(16)],
    run: (read, text) => {
      const { treeId, leafHash } = read(text);
      holds(
        treeId === undefined
          ? octets.toHex(leafHash) === text.toLowerCase()
          : log.formatEntryId(treeId, leafHash) === text.toLowerCase(),
        'an entry ID comes back',
      );
    },
  },

  {
    id: 'core/crypto:parsePublicKey',
    form: 'der',
    seeds: spkis,
    run: (read, input) => {
      const key = read(input);
      same(key.spki, input, 'a key has one spelling');
      same(spkiByRuntime(key), input, 'the runtime reads the same key');
    },
  },
  {
    id: 'core/crypto:publicKeyFromPem',
    form: 'text',
    seeds: [...made.pem.slice(2)],
    run: (read, text) => {
      const { spki, kind } = read(text);
      holds(crypto.parsePublicKey(spki).kind === kind, 'a key from PEM is a key');
    },
  },
  {
    id: 'core/crypto:verifySignature',
    form: 'der',
    seeds: made.ecdsaSignatures.map(bytes),
    run: (verify, input) => verify(crypto.parsePublicKey(spkis[0]), utf8('someone'), input),
    seedsMayBeRefused: true,
  },
  {
    id: 'core/crypto:verifyDigestSignature',
    form: 'der',
    seeds: made.ecdsaSignatures.map(bytes),
    run: (verify, input) =>
      verify(crypto.parsePublicKey(spkis[0]), 'sha256', crypto.sha256(utf8('someone')), input),
    seedsMayBeRefused: true,
  },

  {
    id: 'hsm:parsePkcs11Uri',
    form: 'text',
    seeds: [
      'pkcs11:token=airseal-online',
      'pkcs11:token=airseal-online;object=log-2026-1;type=private',
      'pkcs11:token=a%20b;id=%01%02;object=x?pin-source=file:/etc/pin',
      'pkcs11:manufacturer=SoftHSM%20project;model=v2;serial=0123;token=t',
    ],
    run(read, text) {
      const uri = read(text);
      const meaning = (one) =>
        JSON.stringify(
          Object.entries(one)
            .map(([name, value]) => [name, value instanceof Uint8Array ? octets.toHex(value) : value])
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        );
      holds(
        meaning(read(hsm.formatPkcs11Uri(uri))) === meaning(uri),
        'a PKCS#11 URI means the same when it is written again',
      );
      for (const part of text.slice(7).split(';')) {
        const [, name, value] = /^(token|object|serial|model|manufacturer)=(.*)$/s.exec(part) ?? [];
        if (name !== undefined)
          holds(uri[name] === decodeURIComponent(value), 'each part is what the runtime decodes');
      }
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'hsm/frames:FrameReader#read',
    form: 'octets',
    seeds: [
      frame(1, 1, utf8('{}')),
      octets.concat(frame(7, 2, utf8('x'.repeat(60))), frame(8, 4, new Uint8Array(64))),
      frame(0xffffffff, 5, utf8('{"kind":"absent"}')),
    ],
    run(open, input) {
      const frames1 = [...open().read(Buffer.from(input))];
      const reader = open();
      const cut = Math.floor(input.length / 2);
      const frames2 = [
        ...reader.read(Buffer.from(input.subarray(0, cut))),
        ...reader.read(Buffer.from(input.subarray(cut))),
      ];
      holds(frames1.length === frames2.length, 'frames are the same however the stream is cut');
      const whole = octets.concat(...frames1.map(({ id, kind, body }) => frame(id, kind, body)));
      same(whole, input.subarray(0, whole.length), 'frames are written as they were read');
    },
  },
  {
    id: 'hsm/frames:parseSignBody',
    form: 'octets',
    seeds: [
      frames.formatSignBody('pkcs11:token=a;object=b', new Uint8Array(32), 'checkpoint', utf8('message')),
    ],
    run: (read, input) => {
      const { uri, key, purpose, message } = read(Buffer.from(input));
      if (!uri.includes('\ufffd'))
        same(
          frames.formatSignBody(uri, key, purpose, message),
          input,
          'a request to sign is written as it was read',
        );
    },
  },
  {
    id: 'hsm/frames:parseFaultBody',
    form: 'json',
    takes: 'octets',
    seeds: [
      '{"kind":"unavailable","code":"hsm/busy","message":"later","detail":{"ckr":"CKR_DEVICE_REMOVED"},"retryAfterSeconds":5}',
    ],
    run: (read, input) => {
      const fault = read(Buffer.from(input));
      holds(
        typeof fault.code === 'string' && typeof fault.message === 'string',
        'a fault has a code and a message',
      );
    },
  },
  {
    id: 'identity/claim-path:parseClaimPath',
    form: 'text',
    seeds: ['$.federated_claims.connector_id', 'email', '$["a b"][\'c\'].d'],
  },
  { id: 'trust-root:instantMs', form: 'text', seeds: ['2026-11-21T10:00:00Z'] },
  { id: 'trust-root:onlineValidity', form: 'text', seeds: ['7d', '12h'] },
  { id: 'instance:hostOf', form: 'text', seeds: ['https://127.0.0.1:8443/oidc', 'https://log.example'] },
  {
    id: 'platform:strikeSecrets',
    form: 'text',
    seeds: [
      '{"level":30,"authorization":"Bearer abc","msg":"x"}\n',
      made.credentials,
      made.tokens[0],
      file('docs/security.md').slice(0, 2000),
    ],
  },
];

function spkiByRuntime(key) {
  return key.handle.export({ format: 'der', type: 'spki' });
}
