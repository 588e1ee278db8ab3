import { describe, expect, test } from '@jest/globals';
import { joinUri, uriText } from './uri-text.js';

// Expected values are what Go 1.26's net/url answers for the same input.
describe('a URI in a certificate', () => {
  test.each([
    ['https://x/a b', 'https://x/a%20b'],
    ['https://x/a%20b', 'https://x/a%20b'],
    ['https://x/ü@[y]', 'https://x/%C3%BC@%5By%5D'],
    ['https://x/a#frag b', 'https://x/a#frag%20b'],
    ['https://x//a/../b', 'https://x//a/../b'],
    ['https://x/a"b', 'https://x/a%22b'],
    ['spiffe://example.com/foo/bar', 'spiffe://example.com/foo/bar'],
    ['https://x/a/.ci.yml@refs/heads/main?q=1', 'https://x/a/.ci.yml@refs/heads/main?q=1'],
  ])('%s', (given, expected) => {
    expect(uriText(given)).toBe(expected);
  });

  test.each(['noscheme', 'https://x/a%zz', 'refs\nx', '\nbadurl', 'https://x/a?q=1 2', ''])(
    'refuses %j',
    (given) => {
      expect(() => uriText(given)).toThrow(expect.objectContaining({ code: 'identity/not-a-uri' }));
    },
  );

  test.each([
    ['a/b/.github/w.yml@refs/heads/m', 'https://github.com/a/b/.github/w.yml@refs/heads/m'],
    ['a//b/../c', 'https://github.com/a/c'],
    ['a b', 'https://github.com/a%20b'],
    ['a/b/', 'https://github.com/a/b/'],
    ['../../x', 'https://github.com/x'],
    ['a%20b', 'https://github.com/a%20b'],
    ['a?x#y', 'https://github.com/a%3Fx%23y'],
    ['/-/jobs/', 'https://github.com/-/jobs/'],
  ])('joins %s', (segment, expected) => {
    expect(joinUri('https://github.com/', segment)).toBe(expected);
  });
});
