/** The index is derived from leaves and envelopes: what that gives must be what was written, for every kind. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fromUtf8, toBase64 } from '#core/octets';
import {
  asDsseV1,
  asDsseV2,
  asFileV1,
  asFileV2,
  asHashedRekordV2,
  asIntotoV1,
  asIntotoV2,
  bareSigner,
  certifiedSigner,
  inToto,
  sealed,
  statementAbout,
  type SignedEnvelope,
} from '../../../../test/kit/signed-statement.js';
import {
  HELD_FACET,
  indexKeysOf,
  paeOf,
  readDeposit,
  readKept,
  readLeaf,
  readV1Entry,
  readV2Entry,
  vouchedFor,
  type ProposedEntry,
} from './index.js';

const alice = certifiedSigner('Alice@corp.example', 'https://id.corp.example');
const bob = bareSigner();
const carol = certifiedSigner('carol@corp.example', 'https://id.corp.example', 'ecdsa-p384-sha384');

const octets = (value: unknown): Uint8Array => fromUtf8(JSON.stringify(value));
const v1 = (value: unknown): ProposedEntry => readV1Entry(octets(value));
const v2 = (value: unknown, nativeDsse = false): ProposedEntry => readV2Entry(octets(value), { nativeDsse });

/** What stands in the index once the entry is logged and its envelope kept. */
function written({ searchKeys, facets, statement }: ProposedEntry): string[] {
  return [...new Set([...searchKeys, ...facets, ...(statement === undefined ? [] : [HELD_FACET])])].sort();
}

function derived({ canonical, statement }: ProposedEntry): string[] {
  const held = statement === undefined ? undefined : readKept(statement.envelope);
  return [...new Set(indexKeysOf(readLeaf(canonical), held))].sort();
}

/** Every way in which an envelope can be logged with its content. */
const WITH_ENVELOPE: readonly (readonly [string, (sent: SignedEnvelope) => ProposedEntry])[] = [
  ['dsse 0.0.1', (sent) => v1(asDsseV1(sent))],
  ['intoto 0.0.1', (sent) => v1(asIntotoV1(sent))],
  ['intoto 0.0.2', (sent) => v1(asIntotoV2(sent))],
  ['hashedrekord 0.0.2 of an envelope', (sent) => v2(asDsseV2(sent))],
  ['dsse 0.0.2', (sent) => v2(asDsseV2(sent), true)],
];

const name = fc.string({ unit: 'grapheme', maxLength: 12 });
const statements = fc.record({
  subject: fc.array(
    fc.record({ name, digest: fc.dictionary(fc.oneof(fc.constant('sha256'), name), name, { maxKeys: 3 }) }),
    { maxLength: 6 },
  ),
  predicateType: fc.oneof(name, fc.constant('https://slsa.dev/provenance/v1')),
  predicate: fc.record({ materials: fc.array(fc.record({ digest: fc.dictionary(name, name) })) }),
});
/** v1 hashes envelopes with SHA-256 only. */
const signers = fc.constantFrom(alice, bob);

describe('the keys that a leaf stands under', () => {
  test.each(WITH_ENVELOPE)('are derived again from %s and its envelope, whatever it says', (_, logged) => {
    fc.assert(
      fc.property(statements, signers, (statement, signer) => {
        const entry = logged(sealed(signer, inToto(statement)));
        expect(derived(entry)).toEqual(written(entry));
      }),
      { numRuns: 30 },
    );
  });

  test.each(WITH_ENVELOPE)('are derived again from %s around something else', (_, logged) => {
    for (const [payload, type] of [
      ['{"not":"closed', 'application/vnd.in-toto+json'],
      ['[]', 'application/vnd.in-toto+json'],
      ['any text', 'text/plain'],
    ] as const) {
      const entry = logged(sealed(alice, fromUtf8(payload), type));
      expect(derived(entry)).toEqual(written(entry));
      expect(written(entry).filter((key) => /^(Subject|Predicate):/.test(key))).toEqual([]);
      expect(written(entry)).toContain('Held');
    }
  });

  test('are derived again from entries over files', () => {
    for (const entry of [alice, bob, carol].flatMap((signer) => [
      ...(signer === carol ? [] : [v1(asFileV1(signer, 'file'))]),
      v2(asFileV2(signer, 'file')),
    ])) {
      expect(derived(entry)).toEqual(written(entry));
    }
  });

  test('name key and issuer, and no words of a sender can spell them', () => {
    const entry = v1(asFileV1(alice, 'file'));
    expect(entry.facets).toEqual([
      expect.stringMatching(/^Key:[0-9a-f]{64}$/),
      'Issuer:https://id.corp.example',
    ]);
    const digest = { Held: 'x', 'Subject:sha256': 'ab', Key: 'cd' };
    const hostile = v1(
      asDsseV1(sealed(alice, inToto({ subject: [{ name: 'a', digest }], predicateType: 'Envelope' }))),
    );
    expect(hostile.searchKeys.filter((key) => /[A-Z]/.test(key))).toEqual([]);
    expect(hostile.facets).toEqual([
      'Envelope',
      expect.stringMatching(/^Key:/),
      'Issuer:https://id.corp.example',
      'Subject:held:x',
      'Subject:subject:sha256:ab',
      'Subject:key:cd',
      'Predicate:envelope',
    ]);
  });

  test('of a digest alone become those of an envelope once that is deposited', () => {
    const sent = sealed(carol, statementAbout('image', 'https://example.com/P'));
    const leaf = readLeaf(v2(asHashedRekordV2(sent)).canonical);
    expect(indexKeysOf(leaf, undefined)).not.toContain('Envelope');
    const keys = indexKeysOf(leaf, readDeposit(sent.json));
    expect(keys).toEqual(expect.arrayContaining(['Envelope', 'Held', 'Predicate:https://example.com/p']));
    expect(keys.filter((key) => key.startsWith('Subject:'))).toHaveLength(1);
  });
});

describe('an envelope that is deposited', () => {
  const sent = sealed(alice, statementAbout('image'));
  const opened = JSON.parse(new TextDecoder().decode(sent.json)) as { readonly signatures: object[] };
  const everyLeaf = [
    ...WITH_ENVELOPE.map(([kind, logged]) => [kind, logged(sent)] as const),
    ['hashedrekord 0.0.2', v2(asHashedRekordV2(sent))] as const,
  ];

  test.each(everyLeaf)('is vouched for by %s that was made of it', (_, entry) => {
    expect(vouchedFor(readDeposit(sent.json), readLeaf(entry.canonical))).toEqual(new Set([0]));
    expect(paeOf(readDeposit(sent.json))).toBe(sent.pae);
  });

  test.each(everyLeaf)(
    'is not vouched for by %s if anything else was signed, or somebody else signed',
    (_, entry) => {
      const leaf = readLeaf(entry.canonical);
      for (const other of [
        sealed(alice, statementAbout('another')),
        sealed(bob, statementAbout('image')),
        // ECDSA is not the same twice, so this is another signature of the same signer.
        sealed(alice, statementAbout('image')),
        sealed(alice, statementAbout('image'), 'text/plain'),
        // The logged signature, over what was never signed.
        { json: octets({ ...opened, payload: toBase64(fromUtf8('other')) }) },
      ]) {
        expect(vouchedFor(readDeposit(other.json), leaf)).toEqual(new Set());
      }
    },
  );

  test('with a further signature is vouched for in part', () => {
    const text = JSON.parse(new TextDecoder().decode(sent.json)) as { signatures: unknown[] };
    const more = octets({
      ...text,
      signatures: [...text.signatures, { sig: toBase64(bob.key.sign(sent.payload)) }],
    });
    const leaf = readLeaf(v2(asHashedRekordV2(sent)).canonical);
    expect(vouchedFor(readDeposit(more), leaf)).toEqual(new Set([0]));
  });

  test('is taken out of a bundle', () => {
    const envelope = JSON.parse(new TextDecoder().decode(sent.json)) as object;
    const bundle = octets({ mediaType: 'x', verificationMaterial: {}, dsseEnvelope: envelope });
    const deposit = readDeposit(bundle);
    expect(paeOf(deposit)).toBe(sent.pae);
    expect(JSON.parse(new TextDecoder().decode(deposit.envelope))).toEqual(envelope);
  });

  test('may hold nothing that nobody signed', () => {
    const envelope = JSON.parse(new TextDecoder().decode(sent.json)) as { signatures: object[] };
    for (const wrong of [
      { ...envelope, note: 'x' },
      { ...envelope, signatures: [{ ...envelope.signatures[0], cert: 'x' }] },
      { ...envelope, signatures: [{ ...envelope.signatures[0], keyid: 'x'.repeat(2000) }] },
      { ...envelope, signatures: [] },
      { dsseEnvelope: 'x' },
      { messageSignature: {} },
      [],
    ]) {
      expect(() => readDeposit(octets(wrong))).toThrow(expect.objectContaining({ kind: 'malformed' }));
    }
    expect(() => readDeposit(fromUtf8('['.repeat(100_000)))).toThrow(
      expect.objectContaining({ kind: 'malformed' }),
    );
  });

  test('names ten thousand digests at most', () => {
    const many = (count: number): SignedEnvelope =>
      sealed(
        alice,
        inToto({
          subject: Array.from({ length: count }, (_, at) => ({ name: `${at}`, digest: { sha256: `${at}` } })),
          predicateType: 'x',
        }),
      );
    expect(() => readDeposit(many(10_000).json)).not.toThrow();
    expect(() => readDeposit(many(10_001).json)).toThrow(
      expect.objectContaining({ code: 'statement/too-many-subjects' }),
    );
  });
});
