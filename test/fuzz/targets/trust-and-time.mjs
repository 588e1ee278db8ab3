import { bytes, certificates, made, spkis } from '../seeds/seeds.mjs';
import { fromBuild, holds, same } from '../targets.mjs';

const octets = await fromBuild('libs/core/octets/src/index.js');
const tuf = await fromBuild('libs/core/tuf/src/index.js');
const x509 = await fromBuild('libs/core/x509/src/index.js');
const { Metadata } = await import('@tufjs/models');

function isStamp({ hash, hashedMessage, nonce }) {
  holds(
    hashedMessage.length === { sha256: 32, sha384: 48, sha512: 64 }[hash],
    'a digest has the length of its hash',
  );
  holds(nonce === undefined || nonce.length > 0, 'a nonce has octets');
}

const cookie = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const nowMs = Date.UTC(2026, 10, 22, 2, 10, 17);
const finite = (report) =>
  holds(
    Object.values(report).every((value) => typeof value !== 'number' || Number.isFinite(value)),
    'every figure is a number',
  );

function ntpAnswer() {
  const packet = new DataView(new ArrayBuffer(48));
  packet.setUint8(0, (4 << 3) | 4);
  packet.setUint8(1, 2);
  packet.setInt8(3, -20);
  new Uint8Array(packet.buffer).set(cookie, 24);
  for (const at of [16, 32, 40]) packet.setUint32(at, nowMs / 1000 + 2_208_988_800);
  return new Uint8Array(packet.buffer);
}

function chronyReply() {
  const packet = new DataView(new ArrayBuffer(104));
  packet.setUint8(0, 6);
  packet.setUint8(1, 2);
  packet.setUint16(4, 33);
  packet.setUint16(6, 5);
  packet.setUint32(16, 7);
  packet.setUint16(52, 2);
  packet.setUint32(60, Math.floor(nowMs / 1000));
  for (const at of [68, 92, 96]) packet.setUint32(at, 0xf0012345);
  return new Uint8Array(packet.buffer);
}

const pmc = `sending: GET TIME_STATUS_NP
\t00a069.fffe.0b552d-0 seq 0 RESPONSE MANAGEMENT TIME_STATUS_NP
\t\tmaster_offset              -12
\t\tingress_time               1763777417123456789
\t\tgmPresent                  true
\t\tgmIdentity                 00a069.fffe.0b552d
\t00a069.fffe.0b552d-0 seq 1 RESPONSE MANAGEMENT CURRENT_DATA_SET
\t\tstepsRemoved     1
\t\tmeanPathDelay    425.0
`;
const state = JSON.stringify({
  next: '256',
  frontier: ['ab'.repeat(32)],
  lastStampMs: '1763777417123',
  found: { kept: [], counts: { 'tile-missing': 1 } },
  keysMissing: 0,
  checkpoints: 3,
  from: '0',
});

export const targets = [
  {
    id: 'core/time:parseNtpAnswer',
    form: 'octets',
    seeds: [ntpAnswer()],
    run: (read, input) => finite(read(input, cookie, nowMs)),
  },
  {
    id: 'core/time:parseChronyTracking',
    form: 'octets',
    seeds: [chronyReply()],
    run: (read, input) => finite(read(input, 7)),
  },
  { id: 'core/time:parsePmcReport', form: 'text', seeds: [pmc], run: (read, text) => finite(read(text)) },
  {
    id: 'tree:parseState',
    form: 'json',
    takes: 'value',
    seeds: [state],
    run: (read, value) => holds(read(value).place.next >= 0n, 'a place is not negative'),
  },
  {
    id: 'core/timestamp:parseTimestampRequest',
    form: 'der',
    seeds: made.timestampQueries.map(bytes),
    run: (read, input) => isStamp(read(input)),
  },
  {
    id: 'core/timestamp:parseJsonTimestampRequest',
    form: 'json',
    takes: 'octets',
    seeds: made.timestampJson,
    run: (read, input) => isStamp(read(input)),
  },
  {
    id: 'core/tuf:parseTufFile',
    form: 'json',
    takes: 'octets',
    seeds: Object.values(made.tuf),
    run: (read, input) => readTuf(read, input, typeOf(input)),
  },
  {
    id: 'core/tuf:tufKey',
    form: 'der',
    seeds: spkis,
    run: (write, input) => {
      const key = write(input);
      holds(/^[0-9a-f]{64}$/.test(tuf.tufKeyId(key)), 'a key has an id');
      same(tuf.readTufKey(key).spki, input, 'a key comes back');
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'core/tuf:tufSignature',
    form: 'der',
    seeds: spkis,
    run: (write, input) =>
      holds(write(input, new Uint8Array(70)).sig.length === 140, 'a signature is spelt in hex'),
    seedsMayBeRefused: true,
  },
  {
    id: 'ct:readSubmission',
    form: 'der',
    seeds: certificates.slice(0, 3),
    run: (read, input) => {
      for (const kind of ['certificate', 'precertificate'])
        read(kind, [input, certificates[2]], [certificates[3]]);
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'core/x509:serialInteger',
    form: 'octets',
    seeds: [new Uint8Array(20).fill(0x55)],
    run: (write, input) => {
      if (input.length === 20) holds(x509.serialInteger(input).length > 0, 'a serial number has octets');
    },
  },
];

function typeOf(input) {
  const text = Buffer.from(input).toString('latin1');
  return (
    ['root', 'targets', 'snapshot', 'timestamp'].find(
      (type) => text.includes(`"_type": "${type}"`) || text.includes(`"_type":"${type}"`),
    ) ?? 'root'
  );
}

/** What we accept for metadata that we published, the clients' own library must read as the same version. */
function readTuf(read, input, type) {
  const { signed } = read(input, type);
  holds(signed._type === type && Number.isSafeInteger(signed.version), 'a file has its type and a version');
  tuf.signingInput(signed);
  if (type === 'timestamp') {
    let theirs;
    try {
      theirs = Metadata.fromJSON('timestamp', JSON.parse(octets.toUtf8(input)));
    } catch {
      return;
    }
    holds(theirs.signed.version === signed.version, 'the clients read the same version');
  }
}
