/** C_GetTokenInfo in words (PKCS#11 v2.40 §3.2, CK_TOKEN_INFO flags). */
import type { TokenInfo } from '../key-report.js';
import type { Handle, PKCS11 } from './library.js';

const FLAG = {
  protectedAuthenticationPath: 0x100,
  userPinCountLow: 0x10000,
  userPinFinalTry: 0x20000,
  userPinLocked: 0x40000,
  userPinToBeChanged: 0x80000,
} as const;

export const PIN_STATE: Readonly<Record<TokenInfo['pin'], string>> = {
  ok: 'no wrong PIN since the last login',
  'count-low': 'a wrong PIN was tried since the last login; find out who tried',
  'final-try':
    "one attempt is left before the token locks, so nothing here tries it; log in once with the vendor's tool, and find out who tried wrong PINs",
  locked: 'the token is locked after wrong PINs; let a security officer unlock it; find out who tried',
  'to-be-changed': "the PIN has expired or was never changed; change it with the vendor's tool",
};

function pinState(flags: number): TokenInfo['pin'] {
  if ((flags & FLAG.userPinLocked) !== 0) return 'locked';
  if ((flags & FLAG.userPinFinalTry) !== 0) return 'final-try';
  if ((flags & FLAG.userPinToBeChanged) !== 0) return 'to-be-changed';
  return (flags & FLAG.userPinCountLow) !== 0 ? 'count-low' : 'ok';
}

function version(of: { readonly major: number; readonly minor: number }): string {
  return `${of.major}.${of.minor}`;
}

/** Texts of tokens are padded with blanks, some with NULs. */
function text(padded: string): string {
  return padded.replace(/[\0 ]+$/, '');
}

export function tokenInfo(library: PKCS11, slot: Handle): TokenInfo {
  const about = library.C_GetTokenInfo(slot);
  const module = library.C_GetInfo();
  return {
    label: text(about.label),
    manufacturer: text(about.manufacturerID),
    model: text(about.model),
    serial: text(about.serialNumber),
    firmware: version(about.firmwareVersion),
    hardware: version(about.hardwareVersion),
    library:
      `${text(module.manufacturerID)} ${text(module.libraryDescription)} ${version(module.libraryVersion)}`.trim(),
    flags: about.flags,
    pin: pinState(about.flags),
    protectedAuthenticationPath: (about.flags & FLAG.protectedAuthenticationPath) !== 0,
  };
}
