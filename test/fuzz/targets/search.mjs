import { bytes, made, spkis, v1Bodies, v2Requests, v1Proposals } from '../seeds/seeds.mjs';
import { fromBuild, holds, same } from '../targets.mjs';

const octets = await fromBuild('libs/core/octets/src/index.js');
const entry = await fromBuild('libs/core/entry/src/index.js');
const cursors = await fromBuild('libs/search/src/cursor.js');

/** The canonical octets of requests that can be read: v2 leaves. */
const v2Leaves = v2Requests.flatMap((text) =>
  [false, true].flatMap((nativeDsse) => {
    try {
      return [octets.toUtf8(entry.readV2Entry(octets.fromUtf8(text), { nativeDsse }).canonical)];
    } catch {
      return [];
    }
  }),
);
const envelopes = v1Proposals
  .map((text) => JSON.parse(text).spec.proposedContent?.envelope)
  .filter((text) => typeof text === 'string')
  .filter(isJson)
  .concat(
    v2Requests.filter(isJson).map((text) => JSON.stringify(JSON.parse(text).dsseRequestV002?.envelope ?? {})),
  );
/** What cannot be read at all is no place to start from. */
function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const leaves = [...v1Bodies.slice(0, 12), ...v2Leaves.slice(0, 12)];
const statements = envelopes
  .map((text) => Buffer.from(JSON.parse(text).payload ?? '', 'base64').toString('utf8'))
  .filter((text) => text.startsWith('{'));
const query = (...list) => list.map((one) => JSON.stringify(one));
const cursor = cursors.formatCursor({
  question: 'q',
  sizes: new Map([
    ['v1/1', 5n],
    ['v2/1', 2n ** 62n],
  ]),
  tree: 'v1/1',
  index: 3n,
});
const place = {
  next: '5',
  frontier: ['ab'.repeat(32)],
  counts: {
    leaves: 5,
    statements: 1,
    rows: 9,
    differences: { missing: 1, extra: 0, unproven: 0, statement: 0 },
    mended: 0,
  },
  named: [{ what: 'missing', index: '3', keyHash: 'cd'.repeat(16), key: 'sha256:ab' }],
};
const fingerprint = 'ab'.repeat(32);
const open = { seedsMayBeRefused: true };

export const targets = [
  {
    id: 'core/entry:readLeaf',
    form: 'json',
    takes: 'octets',
    seeds: leaves,
    ...open,
    run: (read, input) =>
      holds(
        read(input).searchKeys.every((key) => typeof key === 'string'),
        'search keys are texts',
      ),
  },
  {
    id: 'core/entry/v1/read:readV1Leaf',
    form: 'json',
    takes: 'value',
    seeds: v1Bodies.slice(0, 12),
    ...open,
  },
  {
    id: 'core/entry/v2/leaf:readV2Leaf',
    form: 'json',
    takes: 'value',
    seeds: v2Leaves.slice(0, 12).map((text) => JSON.stringify(JSON.parse(text).spec)),
    ...open,
    run: (read, value) => {
      for (const kind of ['hashedrekord', 'dsse'])
        if (typeof value === 'object' && value !== null && !Array.isArray(value)) read(kind, value);
    },
  },
  {
    id: 'core/entry:readDeposit',
    form: 'json',
    takes: 'octets',
    seeds: [...envelopes, made.bundles[1]],
    ...open,
    run: (read, input) =>
      same(
        read(read(input).envelope).envelope,
        read(input).envelope,
        'what is kept of a deposit is a deposit',
      ),
  },
  { id: 'core/entry:readKept', form: 'json', takes: 'octets', seeds: envelopes, ...open },
  {
    id: 'core/entry:readStatement',
    form: 'json',
    takes: 'octets',
    seeds: statements,
    run: (read, input) =>
      holds(
        read('application/vnd.in-toto+json', input).subjects.every((one) => typeof one === 'string'),
        'subjects are texts',
      ),
  },
  {
    id: 'log:depositFacts',
    form: 'json',
    takes: 'octets',
    seeds: envelopes,
    ...open,
    run: (read, input) => holds(read(input).candidateKeys.length > 0, 'a deposit has keys to look for'),
  },
  {
    id: 'log:matchDeposit',
    form: 'json',
    takes: 'octets',
    seeds: leaves,
    ...open,
    run: (match, input) => match(octets.fromUtf8(envelopes[0]), [input]),
  },
  {
    id: 'search/cursor:readCursor',
    form: 'json',
    takes: 'text',
    seeds: [octets.toUtf8(octets.fromBase64Url(cursor))],
    run: (read, text) => {
      const written = octets.toBase64Url(octets.fromUtf8(text));
      const one = read(written, 'q');
      holds(
        JSON.stringify([...read(cursors.formatCursor(one), 'q').sizes].map(String)) ===
          JSON.stringify([...one.sizes].map(String)),
        'a cursor comes back',
      );
    },
  },
  {
    id: 'search:parsePlace',
    form: 'json',
    takes: 'value',
    seeds: query(place),
    run: (read, value) => holds(read(value).next >= 0n, 'a place is not negative'),
  },
  {
    id: 'search:readDigest',
    form: 'text',
    seeds: [`sha256:${fingerprint}`, fingerprint, 'gitCommit:ab'],
    run: (read, text) => holds(read(text, 'digest').includes(':'), 'a digest names its algorithm'),
  },
  {
    id: 'search:readKey',
    form: 'text',
    seeds: [fingerprint, octets.toBase64(spkis[0]), made.pem[3]],
    run: (read, text) => holds(/^[0-9a-f]{64}$/.test(read(text)), 'a key is named by its fingerprint'),
  },
  {
    id: 'doors/search/search-answers:readSearchQuery',
    form: 'json',
    takes: 'value',
    seeds: query(
      { digest: fingerprint, from: '2026-11-22T02:00:00Z', limit: '10' },
      { identity: 'a@b.example', face: 'v1', key: octets.toBase64(bytes(made.spkis[0])) },
      { cursor, subject: `sha256:${fingerprint}` },
    ),
  },
  {
    id: 'doors/statements/statement-answers:readStatementName',
    form: 'text',
    seeds: [fingerprint, fingerprint.toUpperCase()],
    run: (read, text) => holds(/^[0-9a-f]{64}$/.test(read(text)), 'a statement is named by a hash'),
  },
];
