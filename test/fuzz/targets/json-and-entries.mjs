import { jcs, made, spkis, bytes, utf8, v1Bodies, v1Proposals, v2Requests } from '../seeds/seeds.mjs';
import { fromBuild, holds, same } from '../targets.mjs';

const octets = await fromBuild('libs/core/octets/src/index.js');
const json = await fromBuild('libs/core/json/src/index.js');
const entry = await fromBuild('libs/core/entry/src/index.js');

const objects = [
  ...jcs,
  ...v1Bodies.slice(0, 6),
  ...made.logEntries.slice(0, 2),
  '{"a":9007199254740991,"b":[1e21,-0.5,1e-7],"é":"\\ud83d\\ude00"}',
];
const requestOf = (text, name) => JSON.stringify(JSON.parse(text)[name] ?? {});
const hashedRekords = v2Requests
  .filter((text) => text.includes('hashedRekordRequestV002'))
  .map((text) => requestOf(text, 'hashedRekordRequestV002'));
const dsses = v2Requests
  .filter((text) => text.includes('dsseRequestV002'))
  .map((text) => requestOf(text, 'dsseRequestV002'));
const verifiers = hashedRekords.map((text) => JSON.stringify(JSON.parse(text).signature?.verifier ?? {}));
const envelopes = v1Proposals
  .filter((text) => text.includes('proposedContent'))
  .map((text) => JSON.parse(text).spec.proposedContent.envelope)
  .filter((text) => typeof text === 'string');

function plain(value) {
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.keys(value)
    .sort()
    .map((name) => [name, plain(value[name])]);
}

const meaning = (value) => JSON.stringify(plain(value));

/** An entry that was read holds what its kind says, and reading its canonical octets again changes nothing. */
function readTwice(proposed, again) {
  holds(
    proposed.canonical instanceof Uint8Array && proposed.canonical.length > 0,
    'an entry has canonical octets',
  );
  same(
    json.canonicalJson(json.parseJson(proposed.canonical)),
    proposed.canonical,
    'canonical octets are RFC 8785',
  );
  if (again)
    same(
      entry.canonicaliseV1(json.parseJson(proposed.canonical)),
      proposed.canonical,
      'canonical octets are read and written alike',
    );
}

export const targets = [
  {
    id: 'core/json:parseJson',
    form: 'json',
    takes: 'octets',
    seeds: objects,
    run(read, input) {
      const value = read(input);
      holds(meaning(value) === meaning(JSON.parse(octets.toUtf8(input))), 'JSON.parse reads the same');
      const canonical = json.canonicalJson(value);
      same(json.canonicalJson(read(canonical)), canonical, 'the canonical spelling is one');
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'core/json:canonicalJson',
    form: 'json',
    takes: 'value',
    seeds: objects,
    run: (write, value) =>
      same(write(JSON.parse(octets.toUtf8(write(value)))), write(value), 'canonical JSON is JSON'),
  },
  {
    id: 'core/json:olpcJson',
    form: 'json',
    takes: 'value',
    seeds: Object.values(made.tuf),
    run: (write, value) =>
      same(write(value), write(structuredClone(value)), 'the octets follow from the value'),
  },
  {
    id: 'core/entry:readV1Entry',
    form: 'json',
    takes: 'octets',
    seeds: v1Proposals,
    run: (read, input) => readTwice(read(input), false),
    seedsMayBeRefused: true,
  },
  {
    id: 'core/entry:readV2Entry',
    form: 'json',
    takes: 'octets',
    seeds: v2Requests,
    run: (read, input) => {
      readTwice(read(input), false);
      readTwice(read(input, { nativeDsse: true }), false);
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'core/entry:canonicaliseV1',
    form: 'json',
    takes: 'value',
    seeds: v1Bodies,
    run: (write, value) => {
      const written = write(value);
      same(write(JSON.parse(octets.toUtf8(written))), written, 'canonical octets stay as they are');
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'log:checkEntry',
    form: 'json',
    takes: 'octets',
    seeds: [...v1Proposals.slice(0, 12), ...v2Requests.slice(0, 12)],
    run: (check, input) => {
      holds(
        check(utf8Has(input, 'RequestV002') ? 'v2' : 'v1', input).canonical.length > 0,
        'a checked entry has octets',
      );
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'core/entry:readPemVerifier',
    form: 'text',
    takes: 'octets',
    seeds: made.pem.slice(0, 9),
    run: (read, input) => {
      const { canonicalPem } = read(input);
      holds(read(octets.fromUtf8(canonicalPem)).canonicalPem === canonicalPem, 'the canonical PEM is one');
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'core/entry/envelope:readEnvelope',
    form: 'json',
    takes: 'text',
    seeds: envelopes,
    seedsMayBeRefused: true,
  },
  {
    id: 'core/entry/envelope:readSignatureText',
    form: 'json',
    takes: 'value',
    seeds: [JSON.stringify(made.ecdsaSignatures[0]), '"AA=="'],
  },
  {
    id: 'core/entry/v2/dsse-request:readDsseRequest',
    form: 'json',
    takes: 'value',
    seeds: dsses,
    run: (read, value) => {
      readTwice(read(value, false), false);
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'core/entry/v2/hashedrekord-0.0.2:readHashedRekordRequest',
    form: 'json',
    takes: 'value',
    seeds: hashedRekords,
    run: (read, value) => readTwice(read(value), false),
    seedsMayBeRefused: true,
  },
  {
    id: 'core/entry/v2/message:readMessage',
    form: 'json',
    takes: 'value',
    seeds: hashedRekords,
    run: (read, value) => {
      const message = read(value, ['digest', 'signature', 'rawBytes', 'keyDetails']);
      holds(
        Object.keys(message).every((name) =>
          ['digest', 'signature', 'rawBytes', 'keyDetails'].includes(name),
        ),
        'a message has only its members',
      );
    },
  },
  {
    id: 'core/entry/v2/verifier:readVerifier',
    form: 'json',
    takes: 'value',
    seeds: verifiers,
    seedsMayBeRefused: true,
  },
  {
    id: 'core/entry:pae',
    form: 'text',
    seeds: ['application/vnd.in-toto+json', 'é'],
    run: (write, text) => {
      const written = octets.toUtf8(write(text, utf8('payload')));
      holds(
        written.startsWith(`DSSEv1 ${octets.fromUtf8(text).length} `) && written.endsWith(' 7 payload'),
        'lengths stand before what they measure',
      );
    },
  },
  {
    id: 'identity/verify-token:readToken',
    form: 'text',
    seeds: [
      ...made.tokens,
      tokenOf({ alg: 'ES256' }, { iss: 'https://a.example', sub: 'x', aud: ['sigstore'], exp: 2e9 }),
    ],
    run: (read, text) => {
      const { issuer, claims } = read(text);
      holds(issuer !== '' && claims.iss === issuer, 'a token names its issuer');
    },
  },
  {
    id: 'identity:FixedKeys',
    form: 'json',
    takes: 'value',
    seeds: [made.jwks],
    async run(open, value) {
      const { find, algorithms } = await open('a test', value).current();
      holds(
        typeof find === 'function' && algorithms.every((name) => typeof name === 'string'),
        'a key set names algorithms',
      );
    },
  },
  { id: 'core/crypto:keyIdentifier', form: 'der', seeds: spkis },
  {
    id: 'core/merkle:verifyInclusion',
    form: 'octets',
    seeds: proofSeeds(),
    run: (verify, input) => {
      const { leaf, proof, first, second } = numbersOf(input);
      verify(leaf, first, proof, { size: second, root: leaf });
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'core/merkle:rootFromInclusion',
    form: 'octets',
    seeds: proofSeeds(),
    run: (root, input) => {
      const { leaf, proof, first, second } = numbersOf(input);
      holds(root(leaf, first, proof, second).length === 32, 'a root has 32 octets');
    },
    seedsMayBeRefused: true,
  },
  {
    id: 'core/merkle:verifyConsistency',
    form: 'octets',
    seeds: proofSeeds(),
    run: (verify, input) => {
      const { leaf, proof, first, second } = numbersOf(input);
      verify({ size: first, root: leaf }, { size: second, root: leaf }, proof);
    },
    seedsMayBeRefused: true,
  },
];

function utf8Has(input, text) {
  return Buffer.from(input).includes(text);
}

function tokenOf(header, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${Buffer.from(bytes(made.ecdsaSignatures[0])).toString('base64url')}`;
}

/** Index, size, a leaf and then hashes, the last of which may be cut short. */
function numbersOf(input) {
  const at = (from) =>
    Buffer.from(input)
      .subarray(from, from + 8)
      .reduce((value, octet) => value * 256n + BigInt(octet), 0n);
  const rest = input.subarray(48);
  return {
    first: at(0),
    second: at(8),
    leaf: input.subarray(16, 48),
    proof: Array.from({ length: Math.ceil(rest.length / 32) }, (_, number) =>
      rest.subarray(number * 32, number * 32 + 32),
    ),
  };
}

function proofSeeds() {
  return [
    [0n, 1n, 0],
    [3n, 8n, 3],
    [6n, 7n, 2],
    [255n, 256n, 8],
    [2n ** 62n, 2n ** 63n - 1n, 63],
  ].map(([first, second, count]) =>
    octets.concat(octets.bigEndian(first, 8), octets.bigEndian(second, 8), new Uint8Array(32 + 32 * count)),
  );
}
