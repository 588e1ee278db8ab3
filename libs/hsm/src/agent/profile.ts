/**
 * What families of tokens can be asked for (CEREMONY §4.4).
 *
 * A template names everything explicitly; what a family is known to reject is left out and, when it reads
 * back other than wished, reported as unsupported by profile instead of as a failure.
 */
import type { TokenInfo } from '../key-report.js';
import { CKA } from './library.js';

export interface TokenProfile {
  readonly name: string;
  readonly rejects: ReadonlySet<number>;
}

const USES = [CKA.decrypt, CKA.unwrap, CKA.signRecover, CKA.derive];

const PROFILES: readonly {
  readonly fits: RegExp;
  readonly name: string;
  readonly rejects: readonly number[];
}[] = [
  { fits: /softhsm/i, name: 'softhsm', rejects: [] },
  {
    fits: /tpm2[-. ]|tpm2\.0/i,
    name: 'tpm2-pkcs11',
    // An explicit false for a use is answered with CKR_GENERAL_ERROR; mechanisms are the TPM's own list.
    rejects: [...USES, CKA.copyable, CKA.allowedMechanisms, CKA.modifiable],
  },
  {
    fits: /yubico|yubihsm/i,
    name: 'yubihsm2',
    rejects: [CKA.alwaysAuthenticate, CKA.allowedMechanisms, CKA.modifiable, CKA.copyable],
  },
];

/** For unknown families: what may be left out, step by step, when a template is refused. */
export const CONCESSIONS: readonly (readonly number[])[] = [
  [],
  [CKA.allowedMechanisms],
  [CKA.copyable, CKA.modifiable],
  USES,
];

export function profileOf(info: TokenInfo): TokenProfile {
  const text = `${info.library} ${info.manufacturer} ${info.model}`;
  const known = PROFILES.find(({ fits }) => fits.test(text));
  return { name: known?.name ?? 'generic', rejects: new Set(known?.rejects) };
}
