import { describe, expect, test } from '@jest/globals';
import { Fault } from '#core/fault';
import { problemOf } from './problem.js';

describe('problem details', () => {
  test('name the fault and hide its cause', () => {
    const fault = new Fault('absent', 'log/no-entry', 'no such entry', {
      cause: new Error('secret'),
      detail: { index: 7 },
    });
    expect(problemOf(fault, 'r1')).toEqual({
      type: 'urn:airseal:fault:log/no-entry',
      title: 'No such thing here',
      status: 404,
      detail: 'no such entry',
      instance: 'urn:airseal:request:r1',
      facts: { index: 7 },
    });
  });

  test('tell nothing about a defect', () => {
    expect(JSON.stringify(problemOf(new Error('password=x')))).not.toContain('password');
    expect(problemOf(new Error('x')).status).toBe(500);
  });
});
