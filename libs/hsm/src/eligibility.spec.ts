import { expect, test } from '@jest/globals';
import { assertEligible, isEligible } from './eligibility.js';
import type { TokenInfo } from './key-report.js';

const hardware: TokenInfo = {
  label: 'airseal-online',
  manufacturer: 'Yubico (www.yubico.com)',
  model: 'YubiHSM',
  serial: '07550000',
  firmware: '2.4',
  hardware: '1.0',
  library: 'Yubico (www.yubico.com) YubiHSM PKCS#11 Library 2.6',
  flags: 0,
  pin: 'ok',
  protectedAuthenticationPath: false,
};

const software = {
  softhsm: {
    ...hardware,
    manufacturer: 'SoftHSM project',
    model: 'SoftHSM v2',
    library: 'SoftHSM Implementation of PKCS11 2.6',
  },
  swtpm: {
    ...hardware,
    manufacturer: 'IBM',
    model: 'SW   TPM',
    library: 'tpm2-software.github.io TPM2.0 Cryptoki 1.9',
  },
};

test.each(Object.entries(software))('production refuses %s', (_name, token) => {
  expect(() => assertEligible('production', token)).toThrow(
    expect.objectContaining({ code: 'hsm/not-eligible', kind: 'refused' }),
  );
  expect(isEligible(token)).toBe(false);
});

test('evaluation and rehearsal take software tokens', () => {
  assertEligible('evaluation', software.softhsm);
  assertEligible('rehearsal', software.swtpm);
});

test('production takes a hardware token', () => {
  assertEligible('production', hardware);
});
