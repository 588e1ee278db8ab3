import { describe, expect, test } from '@jest/globals';
import { Fault } from '#core/fault';
import { publicPathOf } from './public-paths.js';

const tooLarge = { status: 413, error: new Fault('refused', 'server/body-too-large', 'too large') };

describe('public paths', () => {
  test.each([
    ['/api/v2/signingCert', 'fulcio', 'fulcioBodyBytes'],
    ['/dev.sigstore.fulcio.v2.CA/GetTrustBundle', 'fulcio', 'fulcioBodyBytes'],
    ['/api/v1/log/entries?logIndex=1', 'rekor-v1', 'rekorV1BodyBytes'],
    ['/api/v1/index/retrieve', 'rekor-v1', 'otherBodyBytes'],
    ['/api/v1/logs', 'none', 'otherBodyBytes'],
    ['/api/v2/log/entries', 'rekor-v2', 'rekorV2BodyBytes'],
    ['/api/v1/timestamp/certchain', 'timestamp', 'timestampBodyBytes'],
    ['/readyz', 'health', 'otherBodyBytes'],
  ])('%s belongs to %s', (url, door, bodyLimit) => {
    expect(publicPathOf(url)).toMatchObject({ door, bodyLimit });
  });

  test('say no in the shape of their protocol', () => {
    const answer = (url: string) => {
      const { status, contentType, body } = publicPathOf(url).refuse(tooLarge);
      return [status, contentType, JSON.parse(body)];
    };
    expect(answer('/api/v2/signingCert')).toEqual([
      413,
      'application/json',
      { code: 8, message: 'too large', details: [] },
    ]);
    expect(answer('/api/v1/log/entries')).toEqual([
      413,
      'application/json',
      { code: 413, message: 'too large' },
    ]);
    expect(answer('/api/v1/timestamp')).toEqual([
      413,
      'application/json',
      { code: 413, message: 'too large' },
    ]);
    expect(answer('/oidc/token')).toEqual([
      413,
      'application/json',
      { error: 'invalid_request', error_description: 'too large' },
    ]);
    expect(answer('/elsewhere')).toEqual([
      413,
      'application/problem+json',
      expect.objectContaining({ type: 'urn:airseal:fault:server/body-too-large', status: 413 }),
    ]);
  });
});
