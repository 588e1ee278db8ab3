import { describe, expect, test } from '@jest/globals';
import { normaliseUrl } from './normalise-url.js';

describe('paths', () => {
  test.each([
    ['//api/v2/signingCert', '/api/v2/signingCert'],
    ['/api/v1/log/entries/retrieve/', '/api/v1/log/entries/retrieve'],
    ['///api/v1/log//?stable=true/', '/api/v1/log?stable=true/'],
    ['/', '/'],
    ['//', '/'],
    ['/?x=/', '/?x=/'],
    ['/tuf/targets/a%2Fb//c', '/tuf/targets/a%2Fb//c'],
    ['/api/v2/tile/0/x001/234', '/api/v2/tile/0/x001/234'],
    ['*', '*'],
  ])('%s is %s', (given, expected) => {
    expect(normaliseUrl(given)).toBe(expected);
  });
});
