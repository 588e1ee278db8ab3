import { bytes, certificates, made, utf8, v1Proposals } from '../seeds/seeds.mjs';
import { fromBuild, holds } from '../targets.mjs';

const octets = await fromBuild('libs/core/octets/src/index.js');

const chain = JSON.stringify({ chain: certificates.slice(0, 3).map(octets.toBase64) });
const query = (...list) => list.map((one) => JSON.stringify(one));
const hash = octets.toBase64(new Uint8Array(32).fill(7));
const searches = query(
  { email: 'a@b.example' },
  { hash: `sha256:${'ab'.repeat(32)}`, operator: 'and' },
  { publicKey: { format: 'x509', content: octets.toBase64(utf8(made.pem[2])) } },
);

/** What comes from a query string: texts and lists of texts, whatever else JSON can say. */
const asQuery = (value) => (typeof value === 'object' && value !== null ? value : {});

export const targets = [
  {
    id: 'doors/statements/statement-answers:readWanted',
    form: 'json',
    takes: 'value',
    seeds: query({ tree: 'rekor-v1/2026-1', index: '7' }, {}),
    run: (read, value) => {
      const { index } = read(value);
      holds(index === undefined || index >= 0n, 'an index counts from nought');
    },
  },
  {
    id: 'doors/boundaries/boundary-answers:readBoundaryQuery',
    form: 'json',
    takes: 'value',
    seeds: query(
      { tree: 'log/v1', from: '2026-11-22T02:00:00Z', to: '2026-11-22T03:00:00Z', limit: '10' },
      {},
    ),
    run: (read, value) =>
      holds(
        Number.isSafeInteger(read(value).fromMs) && Number.isSafeInteger(read(value).toMs),
        'a query has whole instants',
      ),
  },
  {
    id: 'doors/ct/ct-requests:readChain',
    form: 'json',
    takes: 'octets',
    seeds: [chain],
    run: (read, input) =>
      holds(
        read(input).every((one) => one instanceof Uint8Array),
        'a chain is a list of octets',
      ),
  },
  {
    id: 'doors/ct/ct-requests:numberIn',
    form: 'json',
    takes: 'value',
    seeds: query({ start: '0' }, { start: '999999999999999' }),
    run: (read, value) => holds(read(asQuery(value), 'start') >= 0n, 'a number is not negative'),
  },
  {
    id: 'doors/ct/ct-requests:hashIn',
    form: 'json',
    takes: 'value',
    seeds: query({ hash }),
    run: (read, value) => holds(read(asQuery(value), 'hash').length === 32, 'a hash has 32 octets'),
  },
  {
    id: 'doors/rekor-v1/rekor-v1-requests:numberIn',
    form: 'json',
    takes: 'value',
    seeds: query({ logIndex: '5' }, { logIndex: '9223372036854775807' }),
    run: (read, value) => {
      const number = read(asQuery(value), 'logIndex');
      holds(number === undefined || (number >= 0n && number < 2n ** 63n), 'a number fits');
    },
  },
  {
    id: 'doors/rekor-v1/rekor-v1-requests:readProofQuery',
    form: 'json',
    takes: 'value',
    seeds: query({ firstSize: '1', lastSize: '5', treeID: '123' }, { lastSize: '5' }),
    run: (read, value) => {
      const { firstSize, lastSize } = read(asQuery(value));
      holds(firstSize >= 1n && firstSize <= lastSize, 'sizes are in order');
    },
  },
  {
    id: 'doors/rekor-v1/rekor-v1-requests:readTreeId',
    form: 'json',
    takes: 'value',
    seeds: query({ treeID: '123' }, {}),
    run: (read, value) => read(asQuery(value)),
  },
  {
    id: 'log:readLookUps',
    form: 'json',
    takes: 'octets',
    seeds: query(
      { entryUUIDs: made.entryIds },
      { logIndexes: [0, 1] },
      { entries: [JSON.parse(v1Proposals[0])] },
    ),
    run: (read, input) =>
      holds(
        read(input).indexes.every((index) => index >= 0n),
        'an index is not negative',
      ),
  },
  { id: 'log:requestObject', form: 'json', takes: 'octets', seeds: query({ logIndexes: [0, 1] }) },
  {
    id: 'doors/rekor-v1/rekor-v1-requests:readSearchRequest',
    form: 'json',
    takes: 'octets',
    seeds: searches,
    run: (read, input) =>
      holds(
        read(input).keys.every((key) => typeof key === 'string'),
        'search keys are texts',
      ),
  },
  {
    id: 'doors/fulcio/fulcio-requests:readV2Request',
    form: 'json',
    takes: 'octets',
    seeds: made.fulcioV2,
    run: (read, input) => isSigning(read(input, 'Bearer x')),
  },
  {
    id: 'doors/fulcio/fulcio-requests:readV1Request',
    form: 'json',
    takes: 'octets',
    seeds: made.fulcioV1,
    run: (read, input) => isSigning(read(input, 'Bearer x')),
  },
  {
    id: 'doors/timestamp/timestamp-request:readTimestampRequest',
    form: 'der',
    seeds: made.timestampQueries.map(bytes),
    run: (read, input) =>
      holds(
        read('application/timestamp-query', input).hashedMessage.length >= 32,
        'a digest has the length of its hash',
      ),
  },
  {
    id: 'doors/logs/adopt-head.declaration:HeadToAdopt',
    form: 'json',
    takes: 'value',
    seeds: query({ size: '5', root: hash }),
    run: (read, value) => holds(typeof read(value).success === 'boolean', 'a schema answers'),
  },
  {
    id: 'doors/clock/clock.declaration:DeclaredTime',
    form: 'json',
    takes: 'value',
    seeds: query({ email: 'a@b.example', password: 'p', time: '2026-11-22T02:00:00Z', withinSeconds: 2 }),
    run: (read, value) => holds(typeof read(value).success === 'boolean', 'a schema answers'),
  },
  {
    id: 'doors/clock/clock.declaration:PageOfRecords',
    form: 'json',
    takes: 'value',
    seeds: query({ from: '2026-11-22T02:00:00Z', to: '2026-11-22T03:00:00+01:00', after: '12' }),
    run: (read, value) => holds(typeof read(value).success === 'boolean', 'a schema answers'),
  },
  {
    id: 'server/normalise-url:normaliseUrl',
    form: 'text',
    seeds: ['//api/v1/log/?a=b', '/tuf/', '/'],
    run: (read, text) => holds(read(read(text)) === read(text), 'one spelling stays'),
  },
  {
    id: 'server/public-paths:publicPathOf',
    form: 'text',
    seeds: [
      '/api/v1/log/entries?logIndex=1',
      '/tuf/1.root.json',
      '/oidc/token',
      '/ct/2026/ct/v1/get-sth',
      '/dev.sigstore.fulcio.v2.CA/CreateSigningCertificate',
    ],
    run: (read, text) => holds(typeof read(text).door === 'string', 'every path has a door'),
  },
];

function isSigning({ token, key }) {
  holds(typeof token === 'string' && key.content instanceof Uint8Array, 'a request has a token and a key');
}
