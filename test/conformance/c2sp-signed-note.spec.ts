/** Signed notes against the vectors of x/mod/sumdb/note and C2SP, key identifiers against rekor-tiles. */
import { describe, expect, test } from '@jest/globals';
import { publicKeyFromPem } from '#core/crypto';
import { parseNote, formatNote, parseVerifierKey, v1LogId, v2LogId, verifyNote, keyHint } from '#core/note';
import { createPublicKey } from 'node:crypto';

const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const ENOCH = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop';
const text =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const peterLine =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const enochLine =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n';
const peter = parseVerifierKey(PETER);
const enoch = parseVerifierKey(ENOCH);
const names = (lines: readonly { name: string }[]): string[] => lines.map((line) => line.name);

describe('verifier keys', () => {
  test('every cut and every changed character is refused', () => {
    const bad: string[] = [];
    for (let from = 0; from <= PETER.length; from++) {
      for (let to = from + 1; to <= PETER.length; to++) {
        if (from !== 0 || to !== PETER.length) bad.push(PETER.slice(from, to));
      }
    }
    for (let at = 0; at < PETER.length; at++) {
      bad.push(PETER.slice(0, at) + String.fromCharCode(PETER.charCodeAt(at) + 1) + PETER.slice(at + 1));
    }
    for (const one of bad) {
      expect(() => parseVerifierKey(one)).toThrow(expect.objectContaining({ code: 'note/verifier-key' }));
    }
  });

  test.each([
    ['a key too long', 'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=='],
    ['an unknown algorithm', 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'],
  ])('%s is refused', (_what, key) => {
    expect(() => parseVerifierKey(key)).toThrow(expect.objectContaining({ code: 'note/verifier-key' }));
  });
});

describe('opening', () => {
  test('the reference note verifies and is written back as it was', () => {
    const note = parseNote(`${text}\n${peterLine}`);
    expect(note.text).toBe(text);
    expect(names(verifyNote(note, [peter]))).toEqual(['PeterNeumann']);
    expect(formatNote(note)).toBe(`${text}\n${peterLine}`);
  });

  test('lines of unknown keys are passed over', () => {
    const note = parseNote(`${text}\n${peterLine}${enochLine}`);
    expect(names(verifyNote(note, [peter]))).toEqual(['PeterNeumann']);
    expect(names(verifyNote(note, [peter, enoch]))).toEqual(['PeterNeumann', 'EnochRoot']);
    expect(() => verifyNote(note, [])).toThrow(expect.objectContaining({ code: 'note/unverified' }));
  });

  test('a key counts once', () => {
    const note = parseNote(`${text}\n${peterLine}${peterLine}${enochLine}${enochLine}`);
    expect(names(verifyNote(note, [peter]))).toEqual(['PeterNeumann']);
  });

  test('two trusted keys of one name and hint are refused when a line names them', () => {
    expect(() => verifyNote(parseNote(`${text}\n${enochLine}`), [enoch, peter, enoch])).toThrow(
      expect.objectContaining({ code: 'note/ambiguous-key' }),
    );
    verifyNote(parseNote(`${text}\n${peterLine}`), [enoch, peter, enoch]);
  });

  test('a trusted key with a wrong signature spoils the note', () => {
    const note = parseNote(`${text}\n${peterLine.slice(0, 60)}ABCD${peterLine.slice(60)}${enochLine}`);
    expect(() => verifyNote(note, [peter, enoch])).toThrow(
      expect.objectContaining({ code: 'note/bad-signature' }),
    );
  });

  test('a hundred signatures are read, a hundred and one are refused', () => {
    expect(parseNote(`${text}\n${peterLine.repeat(100)}`).signatures).toHaveLength(100);
    expect(() => parseNote(`${text}\n${peterLine.repeat(101)}`)).toThrow(
      expect.objectContaining({ code: 'note/malformed' }),
    );
  });

  test.each([
    ['no signature block', text],
    ['an empty signature block', `${text}\n`],
    ['no newline at the end', `${text}\n${peterLine.slice(0, -1)}`],
    ['a control character', `\u0001${text}\n${peterLine}`],
    [
      'a name with a space',
      `${text}\n— Bad Name x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`,
    ],
    ['a line that is no signature', `${text}\n${peterLine}Unexpected line.\n`],
    ['a name with a plus sign', `${text}\n${peterLine.replace('PeterNeumann', 'a+b')}`],
    ['a signature of four octets', `${text}\n— a AAAAAA==\n`],
    ['a hyphen for the dash', `${text}\n${peterLine.replace('—', '-')}`],
  ])('%s is refused', (_what, note) => {
    expect(() => parseNote(note)).toThrow(expect.objectContaining({ code: 'note/malformed' }));
  });

  test('octets that are not UTF-8 are refused', () => {
    const bytes = Buffer.concat([Buffer.from([0xff]), Buffer.from(`${text}\n${peterLine}`)]);
    expect(() => parseNote(bytes)).toThrow(expect.objectContaining({ code: 'note/malformed' }));
  });
});

describe('key identifiers of Rekor v2, for a log called testkey', () => {
  // The private keys are the test keys of rekor-tiles/pkg/note/note_test.go; only their public halves are here.
  const keys: readonly (readonly [string, string, string])[] = [
    [
      'ECDSA P-256',
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeLw7gX40qy1z7JUhGMAaaDITbV7p2D+C5G9xPEsy/PVAo9H0mgS4NYzpGirkXxBht+IvvL19WR1X9ANXha5ldQ==',
      '8f92d720f56c219e34895a76a636a3353ddbf7813f9fa317e19982eafa945328',
    ],
    [
      'Ed25519',
      'MCowBQYDK2VwAyEAREvJyNZGjX6B3DAIuD3BTg9rIwV00GY8Xg5FU+IFDUQ=',
      'e4de82e34c8c270d87612a3d6a1e297e2cd0ed9cb89ea7aeec8ce4d0b54e6775',
    ],
    [
      'RSA',
      'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAs7ieTaJ8PAkzCks++ubDNW4Nc4hi7+/JUmSvqq6pIWAfjGrVXI/Z6ROUOnNgvjkW6pOP/KkO1YQfuLtP86X5LD43aIsfH/3VQ0L8X4W64x/JgmA9TWQa+w4OeXaFdGw+lEnGy2rlAL3kIYn/BAbmoAZhyWXQFkPYg6vlypN0H6qQH8hct0SXn7y6casIk7GB7TQt/+OqkkQ55ojM91cXUq6YYsvAjBjQwEvGGXqLvwOhtbD+eMc2fpw7GlAgiiQpq4khzWrtuZJ0Hd/BFZNpHH+UAddQ4Jvv7dbXDinavVzEbvJssQAN9nB39UPHpUQn9mojAuh/qg+vDNyEH3liIQIDAQAB',
      'adf42d0b4478f2d07e5c8c3e63640a7e41b440c19dc47010c3a4936af75d85b6',
    ],
  ];
  test.each(keys)('%s', (_kind, spki, logId) => {
    const handle = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
    const key = publicKeyFromPem(handle.export({ format: 'pem', type: 'spki' }).toString());
    expect(Buffer.from(v2LogId('testkey', key)).toString('hex')).toBe(logId);
    expect(Buffer.from(keyHint(v2LogId('testkey', key))).toString('hex')).toBe(logId.slice(0, 8));
    // v1 knows one rule only, that of ECDSA.
    expect(Buffer.from(v1LogId(key)).toString('hex') === logId).toBe(key.kind === 'ec-p256');
  });
});
