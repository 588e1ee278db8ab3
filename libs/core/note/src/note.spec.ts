import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { generateKeyPairSync, sign } from 'node:crypto';
import { parsePublicKey } from '#core/crypto';
import { isFault } from '#core/fault';
import { toHex } from '#core/octets';
import {
  formatCheckpoint,
  formatNote,
  keyHint,
  logVerifier,
  logVerifierV1,
  parseCheckpoint,
  parseNote,
  signNote,
  v1LogId,
  v1Origin,
  v2LogId,
  verifyNote,
} from './index.js';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = parsePublicKey(new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })));
const signed = (text: string): Uint8Array => sign('sha256', Buffer.from(text), pair.privateKey);
const root = new Uint8Array(32).fill(7);

describe('the checkpoint of a v1 log', () => {
  const origin = v1Origin('rekor.example.org', 0x1234_5678_9abc_def0n);
  const text = formatCheckpoint({ origin, size: 10n, root });
  const note = signNote(text, 'rekor.example.org', keyHint(v1LogId(key)), signed(text));

  test('has the lines that clients look for', () => {
    expect(note.split('\n').slice(0, 4)).toEqual([
      'rekor.example.org - 1311768467463790320',
      '10',
      'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=',
      '',
    ]);
    expect(note).toMatch(/\n\n\u2014 rekor\.example\.org [A-Za-z0-9+/]+=*\n$/);
  });

  test('verifies under the name of the host and under no other', () => {
    verifyNote(parseNote(note), [logVerifierV1('rekor.example.org', key)]);
    expect(() => verifyNote(parseNote(note), [logVerifierV1('other.example.org', key)])).toThrow(
      expect.objectContaining({ code: 'note/unverified' }),
    );
    expect(parseCheckpoint(parseNote(note).text)).toEqual({ origin, size: 10n, root, extensions: [] });
  });
});

test('a v2 note keeps the log in front of sixteen cosignatures', () => {
  const text = formatCheckpoint({ origin: 'log.example.org', size: 1n, root });
  const own = {
    name: 'log.example.org',
    hint: keyHint(v2LogId('log.example.org', key)),
    signature: signed(text),
  };
  const others = Array.from({ length: 16 }, (_, at) => ({
    name: `witness-${at}`,
    hint: Uint8Array.of(0, 0, 0, at),
    signature: new Uint8Array(72).fill(at),
  }));
  const note = parseNote(formatNote({ text, signatures: [own, ...others] }));
  expect(note.signatures).toHaveLength(17);
  expect(verifyNote(note, [logVerifier('log.example.org', key)]).map((line) => line.name)).toEqual([
    'log.example.org',
  ]);
});

describe('refuses', () => {
  test.each([
    ['a name with a space', { name: 'a b' }],
    ['a name with a no-break space', { name: 'a\u00a0b' }],
    ['a name with a plus sign', { name: 'a+b' }],
    ['an empty name', { name: '' }],
    ['a short hint', { hint: new Uint8Array(3) }],
    ['an empty signature', { signature: new Uint8Array() }],
  ])('to write %s', (_what, change) => {
    const line = { name: 'a', hint: new Uint8Array(4), signature: new Uint8Array(1), ...change };
    expect(() => formatNote({ text: 'text\n', signatures: [line] })).toThrow(
      expect.objectContaining({ code: 'note/malformed' }),
    );
  });

  test('a name that no signature line could carry', () => {
    expect(() => logVerifier('a b', key)).toThrow(expect.objectContaining({ code: 'note/malformed' }));
  });

  test('to write a text without a last newline, and no signature at all', () => {
    const line = { name: 'a', hint: new Uint8Array(4), signature: new Uint8Array(1) };
    for (const note of [
      { text: 'text', signatures: [line] },
      { text: 'text\n', signatures: [] },
    ]) {
      expect(() => formatNote(note)).toThrow(expect.objectContaining({ code: 'note/malformed' }));
    }
  });

  const rootText = Buffer.from(root).toString('base64');
  test.each([
    ['no root', 'origin\n1\n'],
    ['an empty origin', `\n1\n${rootText}\n`],
    ['a size with a leading zero', `origin\n01\n${rootText}\n`],
    ['a negative size', `origin\n-1\n${rootText}\n`],
    ['a size beyond 63 bits', `origin\n9223372036854775808\n${rootText}\n`],
    ['a short root', 'origin\n1\nAAAA\n'],
    ['a root that is not base64', 'origin\n1\n*\n'],
    ['no newline at the end', `origin\n1\n${rootText}`],
    ['an empty extension line', `origin\n1\n${rootText}\n\n`],
    ['a carriage return', `origin\r\n1\r\n${rootText}\r\n`],
  ])('a checkpoint with %s', (_what, text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: 'note/checkpoint' }));
  });
});

test('notes and checkpoints come back as they went', () => {
  const line = fc.record({
    name: fc.stringMatching(/^[^\s+\p{Z}\p{C}]{1,20}$/u),
    hint: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    signature: fc.uint8Array({ minLength: 1, maxLength: 100 }),
  });
  const text = fc.string({ unit: 'grapheme' }).map((some) => `${some.replaceAll(/[\p{Cc}\p{Cs}]/gu, '')}\n`);
  fc.assert(
    fc.property(text, fc.array(line, { minLength: 1, maxLength: 20 }), (body, lines) => {
      const note = formatNote({ text: body, signatures: lines });
      expect(formatNote(parseNote(note))).toBe(note);
      expect(parseNote(note).text).toBe(body);
      expect(parseNote(new TextEncoder().encode(note)).signatures.map((one) => toHex(one.signature))).toEqual(
        lines.map((one) => toHex(one.signature)),
      );
    }),
  );
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (size, hash) => {
        const checkpoint = { origin: 'a log', size, root: hash, extensions: ['more'] };
        expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
      },
    ),
  );
});

test('strangers get faults, never defects', () => {
  const shape = fc.stringMatching(/^[a-z\n\u2014 +=A-Z0-9/]{0,80}$/u);
  fc.assert(
    fc.property(shape, (text) => {
      for (const work of [
        () => parseNote(text),
        () => parseCheckpoint(text),
        () => parseNote(new TextEncoder().encode(text)),
      ]) {
        try {
          work();
        } catch (error) {
          expect(isFault(error)).toBe(true);
        }
      }
    }),
    { numRuns: 1000 },
  );
});
