/** Which tokens may hold keys that others rely on. */
import { Fault } from '#core/fault';
import type { Mode } from '#instance';
import type { TokenInfo } from './key-report.js';

/**
 * Software that behaves like a token, by what it says of itself. CKF_HW_SLOT and CKF_HW prove nothing:
 * tpm2-pkcs11 sets them over a software TPM too (CEREMONY §4.2).
 */
const SOFTWARE: readonly { readonly fits: (token: TokenInfo) => boolean; readonly name: string }[] = [
  {
    name: 'SoftHSM',
    fits: (token) => /softhsm/i.test(`${token.manufacturer} ${token.model} ${token.library}`),
  },
  // swtpm reports the model of libtpms, the reference implementation in software.
  {
    name: 'a software TPM',
    fits: (token) => /^SW\s+TPM/i.test(token.model) || /swtpm/i.test(`${token.manufacturer} ${token.model}`),
  },
  {
    name: 'Kryoptic or NSS',
    fits: (token) => /kryoptic|nss|mozilla/i.test(`${token.manufacturer} ${token.library}`),
  },
  {
    name: 'a mock or proxy of a token',
    fits: (token) => /mock|p11-kit|proxy/i.test(`${token.manufacturer} ${token.model} ${token.library}`),
  },
];

export function isEligible(token: TokenInfo): boolean {
  return SOFTWARE.every(({ fits }) => !fits(token));
}

/** @throws {Fault} hsm/not-eligible for a software token in production */
export function assertEligible(mode: Mode, token: TokenInfo): void {
  if (mode !== 'production') return;
  const found = SOFTWARE.find(({ fits }) => fits(token));
  if (found !== undefined) {
    throw new Fault(
      'refused',
      'hsm/not-eligible',
      `token ${token.label} is ${found.name}, which production mode refuses; connect a hardware token`,
      {
        detail: { token: token.label },
      },
    );
  }
}
