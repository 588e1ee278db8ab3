import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { made, utf8 } from '../seeds/seeds.mjs';
import { fromBuild, holds } from '../targets.mjs';

const bundles = await fromBuild('apps/airseal/src/bundle-file.js');
const { Digits } = await fromBuild('apps/airseal/src/read-answer.js');

const scratch = mkdtempSync(join(tmpdir(), 'airseal-fuzz-cli-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** The command line reads files: the input is written, and read from there. */
function asFile(name, content) {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}

const artifact = utf8('what is signed\n');
const trustedRoot = asFile('trusted_root.json', made.trustedRoot);
const statement = JSON.stringify({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [
    { name: 'a', digest: { sha256: '9d9116edf6bc903031f363e444e1c34b1494e778772dd23b85c7206ff1e19a69' } },
  ],
  predicateType: 'https://cosign.sigstore.dev/attestation/v1',
  predicate: {},
});

export const targets = [
  {
    id: 'airseal/bundle-file:readBundle',
    form: 'json',
    takes: 'text',
    seeds: made.bundles,
    run: (read, text) =>
      holds(
        read(asFile('bundle.json', text)).verificationMaterial !== undefined,
        'a bundle holds what verifies it',
      ),
  },
  {
    id: 'airseal/verification:verifyBundle',
    form: 'json',
    takes: 'text',
    seeds: made.bundles.slice(0, 1),
    run: (verify, text) =>
      holds(
        verify(bundles.readBundle(asFile('bundle.json', text)), trustedRoot, undefined, artifact).identity !==
          undefined,
        'a verified bundle names its signer',
      ),
  },
  {
    id: 'airseal/verification:verifyBundle against a changed trusted root',
    beyond: { file: 'apps/airseal/src/verification.ts', name: 'verifyBundle', way: 'function' },
    form: 'json',
    takes: 'text',
    seeds: [made.trustedRoot],
    run: (verify, text) =>
      verify(
        bundles.readBundle(asFile('bundle.json', made.bundles[0])),
        asFile('root.json', text),
        undefined,
        artifact,
      ),
  },
  {
    id: 'airseal/trusted-root-file:trustedRootIn',
    form: 'json',
    takes: 'text',
    seeds: [made.trustedRoot],
    run: (read, text) =>
      holds(Array.isArray(read(asFile('root.json', text)).tlogs), 'a trusted root lists logs'),
  },
  {
    id: 'airseal/identity-token:readCredentials',
    form: 'json',
    takes: 'text',
    seeds: [made.credentials],
    run: (read, text) =>
      holds(typeof read(asFile('machine.json', text)).clientId === 'string', 'credentials name a client'),
  },
  {
    id: 'airseal/places:readJson',
    form: 'json',
    takes: 'text',
    seeds: [made.credentials],
    run: (read, text) => read(asFile('some.json', text), 'file'),
  },
  {
    id: 'airseal/places:readMessageJson',
    form: 'json',
    takes: 'text',
    seeds: made.bundles,
    run: (read, text) =>
      holds(
        !/"length":/.test(JSON.stringify(read(asFile('message.json', text), 'file'))),
        'a message has no length',
      ),
  },
  {
    id: 'airseal/places:readText',
    form: 'text',
    seeds: ['text'],
    run: (read, text) => read(asFile('some.txt', text), 'file'),
  },
  {
    id: 'airseal/read-answer:Digits',
    form: 'text',
    seeds: ['0', '42', '9223372036854775807'],
    run: (read, text) =>
      holds(!read(text).success || String(BigInt(text)) === text, 'digits are a number in its one spelling'),
  },
  {
    id: 'airseal/read-answer:readAnswer',
    form: 'json',
    takes: 'octets',
    seeds: ['{"size":"42","more":[1]}'],
    run: (read, octets) =>
      holds(
        BigInt(read(z.object({ size: Digits }), 'https://log.example', octets).size) >= 0n,
        'a size is a number',
      ),
  },
  {
    id: 'airseal/commands/clock.command:readInstant',
    form: 'text',
    seeds: ['2026-11-22T08:30:00Z', '2026-11-22T08:30:00.123456789+05:30'],
    run: (read, text) => {
      const said = read(text).toISOString();
      // Midnight of another zone may lie in year 10000, or before the first one.
      if (/^\d{4}-/.test(said)) holds(read(said).toISOString() === said, 'an instant reads as it is sent');
    },
  },
  { id: 'airseal/statement:predicateType', form: 'text', seeds: ['slsaprovenance', 'https://example.com/p'] },
  {
    id: 'airseal/statement:verifyStatement',
    form: 'json',
    takes: 'octets',
    seeds: [statement],
    run: (verify, input) =>
      holds(typeof verify(input, artifact, undefined) === 'string', 'a statement has a type'),
  },
];
