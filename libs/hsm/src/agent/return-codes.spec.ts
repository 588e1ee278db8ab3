import { expect, test } from '@jest/globals';
import { Fault, isFault } from '#core/fault';
import { MEANINGS, meaningOf, returnCode, toFault } from './return-codes.js';

/** As the binding throws it: the name is the library's, only the number can be relied on. */
function refused(code: number, name = 'CKR_VENDOR_TEXT'): Error {
  return Object.assign(new Error(name), { code, method: 'C_Sign' });
}

test.each([...MEANINGS])(
  'code %i has cause, effect and next step',
  (_code, { cause, effect, next, code }) => {
    for (const text of [cause, effect, next]) expect(text.length).toBeGreaterThanOrEqual(5);
    expect(code).toMatch(/^hsm\/[a-z-]+$/);
  },
);

test('codes are compared as numbers, whatever the library calls them', () => {
  const fault = toFault(refused(0xa4, 'something else'));
  expect(fault).toMatchObject({
    kind: 'refused',
    code: 'hsm/pin-locked',
    detail: { ckr: 'CKR_PIN_LOCKED', function: 'C_Sign' },
  });
});

test('what is lost is opened again, and the caller may retry', () => {
  expect(meaningOf(0xb3).lost).toBe('session');
  expect(meaningOf(0x32).lost).toBe('token');
  expect(toFault(refused(0x32))).toMatchObject({ kind: 'unavailable', retryAfterSeconds: 1 });
});

test("a vendor's own code is named by its number", () => {
  const fault = toFault(refused(0x80000123));
  expect(isFault(fault) && fault.detail['ckr']).toBe('vendor 0x80000123');
});

test('a defect stays a defect, and a fault stays what it is', () => {
  const defect = new TypeError('x is undefined');
  const fault = new Fault('refused', 'hsm/attributes', 'no');
  expect(toFault(defect)).toBe(defect);
  expect(toFault(fault)).toBe(fault);
  expect(returnCode(fault)).toBeUndefined();
});
