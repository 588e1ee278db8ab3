/**
 * What an auditor does first: spoil one thing at a time, and see whether verification notices.
 *
 * Everything goes through the command line as it is shipped, offline, with the bundle of a signature that verifies.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { airseal, type CommandResult, installation } from '../kit/index.js';
import { trustedRoot, type TrustedRootFile } from './trust.js';

interface TlogEntry {
  logIndex: string;
  logId: { keyId: string };
  integratedTime: string;
  inclusionPromise?: { signedEntryTimestamp: string };
  inclusionProof?: {
    logIndex: string;
    rootHash: string;
    treeSize: string;
    hashes: string[];
    checkpoint: { envelope: string };
  };
  canonicalizedBody: string;
}

interface BundleFile {
  verificationMaterial: {
    certificate: { rawBytes: string };
    tlogEntries: TlogEntry[];
    timestampVerificationData?: { rfc3161Timestamps: { signedTimestamp: string }[] };
  };
  messageSignature: { messageDigest: { digest: string }; signature: string };
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** One bit of octet `at` (from the end if negative) of base64 `text` the other way round. */
function flipped(text: string, at = -1): string {
  const octets = Buffer.from(text, 'base64');
  const index = at < 0 ? octets.length + at : at;
  octets.writeUInt8(octets.readUInt8(index) ^ 1, index);
  return octets.toString('base64');
}

/** Where `mark` stands in a certificate, so that the octet after it can be spoilt. */
function after(certificate: string, mark: Buffer, offset: number): string {
  const at = Buffer.from(certificate, 'base64').indexOf(mark);
  if (at < 0) throw new Error('the certificate does not hold what this test spoils');
  return flipped(certificate, at + mark.length + offset);
}

/** DER of 1.3.6.1.4.1.11129.2.4.2, the embedded list of SCTs. */
const SCT_LIST = Buffer.from('060a2b06010401d679020402', 'hex');

describe('a bundle that verifies', () => {
  let directory: string;
  let artifact: string;
  let text: string;
  let good: BundleFile;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'airseal-tamper-'));
    artifact = join(directory, 'release.txt');
    await writeFile(artifact, 'what was built\n');
    // Two, so that the second one's proof holds a hash whatever the size of the tree was.
    for (const name of ['first.json', 'good.json']) {
      const bundle = join(directory, name);
      const { credentials } = installation();
      expect(
        await airseal('sign-blob', '--credentials', credentials, '--bundle', bundle, artifact),
      ).toMatchObject({ code: 0 });
      text = await readFile(bundle, 'utf8');
    }
    good = JSON.parse(text) as BundleFile;
  });
  afterAll(async () => {
    await rm(directory, { recursive: true });
  });

  function entryOf(bundle: BundleFile): TlogEntry {
    const [entry] = bundle.verificationMaterial.tlogEntries;
    if (entry === undefined) throw new Error('the bundle has no log entry');
    return entry;
  }

  function proofOf(bundle: BundleFile): NonNullable<TlogEntry['inclusionProof']> {
    const { inclusionProof } = entryOf(bundle);
    if (inclusionProof === undefined) throw new Error('the bundle has no proof');
    return inclusionProof;
  }

  function tokenOf(bundle: BundleFile): { signedTimestamp: string } {
    const [token] = bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? [];
    if (token === undefined) throw new Error('the bundle has no timestamp');
    return token;
  }

  async function verify(
    spoil: (bundle: BundleFile) => void = () => undefined,
    options: { signer?: readonly string[]; root?: unknown; file?: string } = {},
  ): Promise<CommandResult> {
    const bundle = structuredClone(good);
    spoil(bundle);
    const [path, rootPath] = [join(directory, 'spoilt.json'), join(directory, 'root.json')];
    await writeFile(path, JSON.stringify(bundle));
    await writeFile(rootPath, JSON.stringify(options.root ?? trustedRoot()));
    const { identity, origin } = installation();
    const signer = options.signer ?? [
      '--certificate-identity',
      identity,
      '--certificate-oidc-issuer',
      `${origin}/oidc`,
    ];
    return airseal(
      'verify-blob',
      '--trusted-root',
      rootPath,
      '--bundle',
      path,
      ...signer,
      options.file ?? artifact,
    );
  }

  test('verifies, or the rest of this page would prove nothing', async () => {
    expect(await verify()).toMatchObject({ code: 0 });
  });

  test('does not verify another artifact', async () => {
    const file = join(directory, 'changed.txt');
    await writeFile(file, 'what was built?');
    expect((await verify(undefined, { file })).code).not.toBe(0);
  });

  const spoilt: readonly (readonly [string, (bundle: BundleFile) => void])[] = [
    ['its signature', (b) => (b.messageSignature.signature = flipped(b.messageSignature.signature))],
    [
      'the digest beside the signature',
      (b) => (b.messageSignature.messageDigest.digest = flipped(b.messageSignature.messageDigest.digest)),
    ],
    [
      'the signature of its certificate',
      ({ verificationMaterial: { certificate } }) => (certificate.rawBytes = flipped(certificate.rawBytes)),
    ],
    [
      'the name in its certificate',
      ({ verificationMaterial: { certificate } }) =>
        (certificate.rawBytes = after(certificate.rawBytes, Buffer.from(installation().identity), -1)),
    ],
    [
      'the log named by its SCT',
      ({ verificationMaterial: { certificate } }) =>
        (certificate.rawBytes = after(certificate.rawBytes, SCT_LIST, 20)),
    ],
    [
      'the signature of its SCT',
      ({ verificationMaterial: { certificate } }) =>
        (certificate.rawBytes = after(certificate.rawBytes, SCT_LIST, 70)),
    ],
    [
      'the promise of the log',
      (b) =>
        (entryOf(b).inclusionPromise = {
          signedEntryTimestamp: flipped(entryOf(b).inclusionPromise?.signedEntryTimestamp ?? ''),
        }),
    ],
    [
      'the time of the log',
      (b) => (entryOf(b).integratedTime = String(Number(entryOf(b).integratedTime) + 1)),
    ],
    ['its number in the log', (b) => (entryOf(b).logIndex = String(Number(entryOf(b).logIndex) + 1))],
    ['the log that it names', (b) => (entryOf(b).logId.keyId = flipped(entryOf(b).logId.keyId))],
    ['the entry', (b) => (entryOf(b).canonicalizedBody = flipped(entryOf(b).canonicalizedBody, 40))],
    ['a hash of the proof', (b) => (proofOf(b).hashes[0] = flipped(proofOf(b).hashes[0] ?? ''))],
    ['the length of the proof', (b) => proofOf(b).hashes.pop()],
    ['the number in the proof', (b) => (proofOf(b).logIndex = String(Number(proofOf(b).logIndex) ^ 1))],
    ['the size in the proof', (b) => (proofOf(b).treeSize = String(Number(proofOf(b).treeSize) * 4))],
    ['the root in the proof', (b) => (proofOf(b).rootHash = flipped(proofOf(b).rootHash))],
    [
      'the root in the checkpoint',
      (b) => {
        const lines = proofOf(b).checkpoint.envelope.split('\n');
        lines[2] = flipped(lines[2] ?? '');
        proofOf(b).checkpoint.envelope = lines.join('\n');
      },
    ],
    [
      'the signature of the checkpoint',
      (b) =>
        (proofOf(b).checkpoint.envelope = proofOf(b).checkpoint.envelope.replace(
          /([A-Za-z0-9+/=]+)\n$/,
          (_all, signature: string) => `${flipped(signature)}\n`,
        )),
    ],
    [
      'the signature of the timestamp',
      (b) => (tokenOf(b).signedTimestamp = flipped(tokenOf(b).signedTimestamp)),
    ],
    ['the log entry, taken out', (b) => (b.verificationMaterial.tlogEntries = [])],
    [
      'every vouched time, taken out, so that nothing shows when the certificate was in force',
      (b) => {
        delete b.verificationMaterial.timestampVerificationData;
        delete entryOf(b).inclusionPromise;
      },
    ],
  ];

  test.each(spoilt)('is refused when somebody changed %s', async (_what, spoil) => {
    const { code, stderr } = await verify(spoil);
    expect({ code, refused: /airseal: .+ \[[a-z]+\/[a-z-]+\]/.test(stderr) }).toEqual({
      code: expect.any(Number),
      refused: true,
    });
    expect(code).not.toBe(0);
  });

  const roots: readonly (readonly [string, (root: Writable<TrustedRootFile>) => unknown])[] = [
    ['knows no certificate log', (root) => ({ ...root, ctlogs: [] })],
    ['knows no log', (root) => ({ ...root, tlogs: [] })],
    ['knows no authority', (root) => ({ ...root, certificateAuthorities: [] })],
    [
      'knows another timestamp authority',
      (root) => ({ ...root, timestampAuthorities: root.certificateAuthorities }),
    ],
    [
      'had ended its authority before',
      (root) => ({
        ...root,
        certificateAuthorities: root.certificateAuthorities.map((one) => ({
          ...one,
          validFor: { start: '2020-01-01T00:00:00Z', end: '2020-01-02T00:00:00Z' },
        })),
      }),
    ],
  ];

  test.each(roots)('is refused under a trusted root that %s', async (_what, change) => {
    expect((await verify(undefined, { root: change(structuredClone(trustedRoot())) })).code).not.toBe(0);
  });

  test.each([
    ['another identity', ['--certificate-identity', 'mallory@corp.example']],
    ['a part of the identity', ['--certificate-identity-regexp', '[a-z-]+']],
    ['another case', ['--certificate-identity', 'FIRST-MACHINE@EVALUATION.AIRSEAL.INVALID']],
  ])('is refused for %s', async (_what, identity) => {
    const issuer = ['--certificate-oidc-issuer', `${installation().origin}/oidc`];
    expect((await verify(undefined, { signer: [...identity, ...issuer] })).code).not.toBe(0);
  });

  test('is refused for another issuer, and where nobody says who should have signed', async () => {
    const named = ['--certificate-identity', installation().identity];
    for (const issuer of [`${installation().origin}/oidc/`, installation().origin]) {
      expect(
        (await verify(undefined, { signer: [...named, '--certificate-oidc-issuer', issuer] })).code,
      ).not.toBe(0);
    }
    expect((await verify(undefined, { signer: [] })).code).not.toBe(0);
  });

  test('holds a certificate that has ended by itself ten minutes later', () => {
    const { validFrom, validTo } = new X509Certificate(
      Buffer.from(good.verificationMaterial.certificate.rawBytes, 'base64'),
    );
    expect(Date.parse(validTo) - Date.parse(validFrom)).toBe(600_000);
  });
});
