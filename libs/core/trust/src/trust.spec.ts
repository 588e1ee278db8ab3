import { describe, expect, test } from '@jest/globals';
import {
  ClientTrustConfig,
  SigningConfig,
  TrustedRoot as SigstoreTrustedRoot,
} from '@sigstore/protobuf-specs';
import { toTrustMaterial } from '@sigstore/verify';
import { sha256 } from '#core/crypto';
import { fromBase64, toBase64, toHex, toUtf8 } from '#core/octets';
import { softwareKey, softwarePki, type SoftwareCa } from '../../../../test/kit/software-pki.js';
import {
  compileClientTrustConfig,
  compileSigningConfig,
  compileTrustedRoot,
  formatTrustFile,
  lintSigningConfig,
  lintSuccession,
  lintTrustedRoot,
  type PublicMaterial,
  type TrustedRoot,
  type TrustFinding,
} from './index.js';

type Writable<T> = T extends readonly (infer E)[]
  ? Writable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Writable<T[K]> }
    : T;

const start = '2026-11-22T00:00:00Z';
const pki = softwarePki();
const chain = (...cas: readonly SoftwareCa[]) => cas.map(({ certificate }) => toBase64(certificate.der));
const key = () => ({ algorithm: 'ecdsa-p256-sha256', spki: toBase64(softwareKey().spki) });

const material: PublicMaterial = {
  organisation: 'Example',
  createdAt: start,
  certificateAuthorities: [
    { chain: chain(pki.codeIntermediate, pki.codeRoot), url: 'https://fulcio.example', start },
  ],
  timestampAuthorities: [
    {
      chain: chain(pki.tsaLeaf, pki.tsaIntermediate, pki.timeRoot),
      url: 'https://tsa.example/api/v1/timestamp',
      start,
    },
  ],
  ctLogs: [
    {
      url: 'https://ct.example/2026',
      key: { algorithm: 'ecdsa-p256-sha256', spki: toBase64(pki.ctLog.spki) },
      start,
    },
  ],
  rekorV1: [{ url: 'https://rekor.example', origin: 'rekor.example - 17', key: key(), start }],
  rekorV2: [{ url: 'https://log-a.rekor.example:8443', origin: 'log-a.rekor.example', key: key(), start }],
  issuer: { url: 'https://id.example' },
};
const root = compileTrustedRoot(material);
const ids = (findings: readonly TrustFinding[]) => [...new Set(findings.map(({ lint }) => lint))];
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll('.000Z"', 'Z"'));

describe('a trusted root', () => {
  test('is what sigstore’s own type writes of it', () => {
    expect(plain(SigstoreTrustedRoot.toJSON(SigstoreTrustedRoot.fromJSON(plain(root))))).toEqual(plain(root));
  });

  test('is accepted by @sigstore/verify, each log under the hash of its key', () => {
    const { tlogs, ctlogs } = toTrustMaterial(SigstoreTrustedRoot.fromJSON(plain(root)));
    expect(tlogs.map(({ logID }) => toHex(logID))).toEqual(
      [...material.rekorV1, ...material.rekorV2].map((log) => toHex(sha256(fromBase64(log.key.spki)))),
    );
    expect(ctlogs).toHaveLength(1);
  });

  test('has no member that the oldest strict parser does not know', () => {
    expect(toUtf8(formatTrustFile(root))).not.toMatch(/operator|checkpointKeyId|v0\.2/);
    expect(root.mediaType).toBe('application/vnd.dev.sigstore.trustedroot+json;version=0.1');
  });

  test('lists the oldest entry first, whatever the order of the material', () => {
    const later = {
      ...material.rekorV1[0],
      ...{
        url: 'https://rekor.example',
        origin: 'rekor.example - 18',
        key: key(),
        start: '2027-01-01T00:00:00Z',
      },
    };
    const reversed = compileTrustedRoot({ ...material, rekorV1: [later, ...material.rekorV1] });
    expect(reversed.tlogs.map(({ publicKey }) => publicKey.validFor.start).slice(0, 2)).toEqual([
      start,
      later.start,
    ]);
  });
});

describe('a signing config', () => {
  test.each(['v1', 'v2'] as const)(
    'for %s is what sigstore’s own type writes of it, with one version of the log',
    (api) => {
      const config = compileSigningConfig(material, api);
      expect(plain(SigningConfig.toJSON(SigningConfig.fromJSON(plain(config))))).toEqual(plain(config));
      expect(config.rekorTlogUrls.map(({ majorApiVersion }) => majorApiVersion)).toEqual([
        api === 'v1' ? 1 : 2,
      ]);
      expect(lintSigningConfig(config, root)).toEqual([]);
    },
  );

  test('stands whole beside the trusted root in a client trust config', () => {
    const both = plain(compileClientTrustConfig(material, 'v1'));
    expect(plain(ClientTrustConfig.toJSON(ClientTrustConfig.fromJSON(both)))).toEqual(both);
  });

  test('names a service once, however many shards stand behind it', () => {
    const second = {
      url: 'https://rekor.example',
      origin: 'rekor.example - 18',
      key: key(),
      start: '2027-01-01T00:00:00Z',
    };
    const { rekorTlogUrls } = compileSigningConfig(
      { ...material, rekorV1: [...material.rekorV1, second] },
      'v1',
    );
    expect(rekorTlogUrls.map(({ validFor }) => validFor.start)).toEqual([second.start]);
  });
});

describe('the lints', () => {
  const change = (edit: (copy: Writable<TrustedRoot>) => void): TrustedRoot => {
    const copy = structuredClone(root) as Writable<TrustedRoot>;
    edit(copy);
    return copy;
  };
  const nth = <T>(list: readonly T[], at: number): T => {
    const found = list[at];
    if (found === undefined) throw new RangeError(`no member ${at}`);
    return found;
  };

  test('find nothing in a good root', () => {
    expect(lintTrustedRoot(root, material)).toEqual([]);
  });

  test.each<[string, string, TrustedRoot]>([
    [
      'T11',
      'a truncated log id',
      change((copy) => (nth(copy.tlogs, 0).logId.keyId = toBase64(sha256(Uint8Array.of(1)).slice(0, 4)))),
    ],
    [
      'T11',
      'a base URL of another host than the origin',
      change((copy) => (nth(copy.tlogs, 1).baseUrl = 'https://other.example')),
    ],
    ['T11', 'a missing certificate log', change((copy) => (copy.ctlogs = []))],
    [
      'T10',
      'a chain in the wrong order',
      change((copy) => nth(copy.certificateAuthorities, 0).certChain.certificates.reverse()),
    ],
    [
      'T10',
      'a chain without its root',
      change((copy) => nth(copy.certificateAuthorities, 0).certChain.certificates.pop()),
    ],
    [
      'V7',
      'a window that starts before its certificates',
      change((copy) => (nth(copy.certificateAuthorities, 0).validFor.start = '2026-01-01T00:00:00Z')),
    ],
    [
      'V7',
      'a window that outlives its certificates',
      change((copy) => (nth(copy.certificateAuthorities, 0).validFor.end = '2099-01-01T00:00:00Z')),
    ],
    [
      'T9',
      'a time with a fraction',
      change((copy) => (nth(copy.tlogs, 0).publicKey.validFor.start = '2026-11-22T00:00:00.000Z')),
    ],
    [
      'T9',
      'a window that ends before it starts',
      change((copy) => (nth(copy.tlogs, 0).publicKey.validFor.end = '2026-11-21T00:00:00Z')),
    ],
    [
      'N2',
      'an authority without an organisation',
      change((copy) => (nth(copy.certificateAuthorities, 0).subject.organization = '')),
    ],
  ])('%s finds %s, and nothing else does', (lint, _what, sample) => {
    expect(ids(lintTrustedRoot(sample, material))).toEqual([lint]);
  });

  test('T13 finds a key of another environment', () => {
    const foreign = new Set([toHex(sha256(fromBase64(root.tlogs[0]?.publicKey.rawBytes ?? '')))]);
    expect(ids(lintTrustedRoot(root, material, foreign))).toEqual(['T13']);
  });

  test('T8 finds an entry that left and a window that shrank, and lets one be closed', () => {
    expect(lintSuccession(root, root)).toEqual([]);
    expect(
      ids(
        lintSuccession(
          change((copy) => copy.tlogs.pop()),
          root,
        ),
      ),
    ).toEqual(['T8']);
    expect(
      ids(
        lintSuccession(
          change((copy) => (nth(copy.tlogs, 0).publicKey.validFor.start = '2027-01-01T00:00:00Z')),
          root,
        ),
      ),
    ).toEqual(['T8']);
    const closed = change((copy) => (nth(copy.tlogs, 0).publicKey.validFor.end = '2027-01-01T00:00:00Z'));
    expect(lintSuccession(closed, root)).toEqual([]);
    expect(
      ids(
        lintSuccession(
          change((copy) => (nth(copy.tlogs, 0).publicKey.validFor.end = '2026-12-01T00:00:00Z')),
          closed,
        ),
      ),
    ).toEqual(['T8']);
  });

  test('T12, T14 and T15 find services that verifiers would not believe', () => {
    const config = compileSigningConfig(material, 'v1');
    const elsewhere = (url: string) => [
      { url, majorApiVersion: 1, validFor: { start }, operator: 'Example' },
    ];
    expect(ids(lintSigningConfig({ ...config, tsaUrls: elsewhere('https://tsa.example') }, root))).toEqual([
      'T12',
    ]);
    expect(ids(lintSigningConfig({ ...config, caUrls: elsewhere('https://fulcio.example/') }, root))).toEqual(
      ['T15'],
    );
    expect(ids(lintSigningConfig({ ...config, rekorTlogUrls: [] }, root))).toEqual(['T15']);
    const mixed = [...config.rekorTlogUrls, ...compileSigningConfig(material, 'v2').rekorTlogUrls];
    expect(ids(lintSigningConfig({ ...config, rekorTlogUrls: mixed }, root))).toEqual(['T15']);
    const later = {
      ...config.rekorTlogUrls[0],
      url: 'https://rekor.example',
      majorApiVersion: 1,
      operator: 'Example',
      validFor: { start: '2027-01-01T00:00:00Z' },
    };
    expect(
      ids(lintSigningConfig({ ...config, rekorTlogUrls: [...config.rekorTlogUrls, later] }, root)),
    ).toEqual(['T14']);
  });
});
