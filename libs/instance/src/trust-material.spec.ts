import { describe, expect, test } from '@jest/globals';
import { Fault } from '#core/fault';
import { parseTrustMaterial } from './trust-material.js';

describe('trust material', () => {
  test.each([
    '',
    '{"apiVersion": "airseal/trust',
    '{"apiVersion": "airseal/trust-material/v1", "more": 1}',
    '[]',
  ])('that no ceremony wrote is refused in our words: %s', (text) => {
    let refusal: unknown;
    try {
      parseTrustMaterial(text);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(Fault);
    expect(refusal).toMatchObject({ kind: 'corrupt', code: 'instance/trust-material' });
  });
});
