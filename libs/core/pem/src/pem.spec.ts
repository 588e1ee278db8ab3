import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isFault } from '#core/fault';
import { toHex } from '#core/octets';
import { formatPem, parsePem } from './index.js';

function refused(text: string): boolean {
  try {
    parsePem(text);
  } catch (error) {
    return isFault(error) && error.code === 'pem/malformed';
  }
  return false;
}

describe('PEM', () => {
  test('gives back what was formatted, whatever the line ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (der) => {
        const text = formatPem('CERTIFICATE', der);
        for (const spelling of [text, text.replaceAll('\n', '\r\n'), text.trimEnd(), `${text}${text}`]) {
          const [block] = parsePem(spelling);
          expect(block?.label).toBe('CERTIFICATE');
          expect(toHex(block?.der ?? new Uint8Array())).toBe(toHex(der));
        }
        expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(64);
      }),
    );
  });

  test('accepts a body in one long line', () => {
    const der = new Uint8Array(200).fill(7);
    const [first, ...rest] = formatPem('PUBLIC KEY', der).trimEnd().split('\n');
    const last = rest.pop();
    expect(toHex(parsePem(`${first}\n${rest.join('')}\n${last}`)[0]?.der ?? new Uint8Array())).toBe(
      toHex(der),
    );
  });

  test('refuses text without a block, unclosed, nested, mislabelled or empty blocks, headers and bad base64', () => {
    expect(refused('')).toBe(true);
    expect(refused('-----BEGIN A-----\nAAAA\n')).toBe(true);
    expect(refused('-----BEGIN A-----\n-----BEGIN A-----\nAAAA\n-----END A-----\n')).toBe(true);
    expect(refused('-----BEGIN A-----\nAAAA\n-----END B-----\n')).toBe(true);
    expect(refused('-----BEGIN A-----\n-----END A-----\n')).toBe(true);
    expect(refused('-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END A-----\n')).toBe(true);
    expect(refused('-----BEGIN A-----\nAAA*\n-----END A-----\n')).toBe(true);
    expect(refused('-----BEGIN A-----\nAB==\n-----END A-----\n')).toBe(true);
    expect(refused('-----BEGIN A-----\nAA==\n-----END A-----\n')).toBe(false);
  });
});
