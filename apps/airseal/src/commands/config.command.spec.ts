import { describe, expect, test } from '@jest/globals';
import { findingOf } from './config.command.js';

const found = () => Promise.resolve({ address: '10.0.0.7' });
const nowhere = () => Promise.reject(new Error('ENOTFOUND'));

describe('a service’s name in production', () => {
  test.each([
    ['localhost', 'localhost'],
    ['fulcio.localhost', 'localhost'],
    ['127.0.0.1', 'address'],
    ['10.1.2.3', 'address'],
    ['[::1]', 'address'],
    ['fulcio', 'single label'],
  ])('%s is refused', async (host, why) => {
    expect(await findingOf(host, 'production', found)).toMatch(new RegExp(`^REFUSED: .*${why}`));
  });

  test('must resolve here', async () => {
    expect(await findingOf('fulcio.corp.example', 'production', found)).toBe('resolves to 10.0.0.7');
    expect(await findingOf('fulcio.corp.example', 'production', nowhere)).toBe(
      'REFUSED: does not resolve here',
    );
  });
});

test('an evaluation may use loopback addresses', async () => {
  expect(await findingOf('127.0.0.1', 'evaluation', found)).not.toContain('REFUSED');
});
