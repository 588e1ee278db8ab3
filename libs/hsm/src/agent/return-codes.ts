/**
 * What a token's *no* means: cause, effect and next step for the codes of PKCS#11.
 *
 * Codes are compared as numbers. Their names come from the binding and are wrong for some libraries, and
 * vendors put texts of their own there.
 */
import { Fault, type FaultKind } from '#core/fault';

export interface Meaning {
  readonly name: string;
  readonly kind: FaultKind;
  readonly code: string;
  readonly cause: string;
  readonly effect: string;
  readonly next: string;
  /** What must be opened again before the next request can succeed. */
  readonly lost?: 'session' | 'login' | 'token';
}

function meaning(
  name: string,
  kind: FaultKind,
  code: string,
  cause: string,
  effect: string,
  next: string,
  lost?: Meaning['lost'],
): Meaning {
  return { name, kind, code: `hsm/${code}`, cause, effect, next, ...(lost === undefined ? {} : { lost }) };
}

const NO_SIGNATURE = 'nothing was signed';
const REOPENED = 'the token is being opened again';
const STOPPED = 'no key of this token can be used until then';

/** PKCS#11 v2.40 §2 (pkcs11t.h), the codes that tokens really give. */
// prettier-ignore
export const MEANINGS: ReadonlyMap<number, Meaning> = new Map([
  [0x02, meaning('CKR_HOST_MEMORY', 'unavailable', 'host-memory', 'the library ran out of memory', NO_SIGNATURE, 'give the host more memory, then retry', 'token')],
  [0x03, meaning('CKR_SLOT_ID_INVALID', 'unavailable', 'token-absent', 'the slot of the token is gone', REOPENED, 'check that the token is connected', 'token')],
  [0x05, meaning('CKR_GENERAL_ERROR', 'unavailable', 'general-error', 'the library failed without a reason', NO_SIGNATURE, "look into the vendor's own log, then run `airseal hsm doctor`", 'token')],
  [0x06, meaning('CKR_FUNCTION_FAILED', 'unavailable', 'function-failed', 'the token could not do it this time', NO_SIGNATURE, 'retry; if it stays, run `airseal hsm doctor`', 'session')],
  [0x07, meaning('CKR_ARGUMENTS_BAD', 'refused', 'arguments-bad', 'the library does not accept the request', NO_SIGNATURE, 'run `airseal hsm doctor` and report its output')],
  [0x12, meaning('CKR_ATTRIBUTE_TYPE_INVALID', 'refused', 'attribute-unknown', 'the token does not know an attribute of the key', 'nothing was made or changed', 'choose a token whose profile is known')],
  [0x13, meaning('CKR_ATTRIBUTE_VALUE_INVALID', 'refused', 'attribute-refused', 'the token does not accept the value of an attribute', 'nothing was made or changed', "check the token's policy for this kind of key")],
  [0x1b, meaning('CKR_ACTION_PROHIBITED', 'refused', 'action-prohibited', 'the token forbids this action on the key', 'nothing was made or changed', 'that is usually right; use another key if it is not')],
  [0x20, meaning('CKR_DATA_INVALID', 'refused', 'data-invalid', 'the token does not accept what was to be signed', NO_SIGNATURE, 'run `airseal hsm doctor` for this key')],
  [0x21, meaning('CKR_DATA_LEN_RANGE', 'refused', 'data-invalid', 'the digest has the wrong length for the key', NO_SIGNATURE, 'run `airseal hsm doctor` for this key')],
  [0x30, meaning('CKR_DEVICE_ERROR', 'unavailable', 'device-error', 'the token reports a fault of its hardware', REOPENED, 'check the device; replace it if this stays', 'token')],
  [0x31, meaning('CKR_DEVICE_MEMORY', 'unavailable', 'device-memory', 'the token is full', 'nothing was made', 'remove keys that are no longer needed')],
  [0x32, meaning('CKR_DEVICE_REMOVED', 'unavailable', 'token-removed', 'the token was taken out', STOPPED, 'put it back; it is found again by itself', 'token')],
  [0x54, meaning('CKR_FUNCTION_NOT_SUPPORTED', 'refused', 'not-supported', 'the library does not offer this function', 'nothing was done', 'use a token that does, or another algorithm')],
  [0x60, meaning('CKR_KEY_HANDLE_INVALID', 'unavailable', 'key-lost', 'the key is no longer where it was', REOPENED, 'check with `airseal hsm list` that it still exists', 'session')],
  [0x62, meaning('CKR_KEY_SIZE_RANGE', 'refused', 'mechanism-absent', 'the token does not do this size of key', 'nothing was made', 'choose a size that `airseal hsm doctor` lists')],
  [0x63, meaning('CKR_KEY_TYPE_INCONSISTENT', 'refused', 'mechanism-absent', 'key and algorithm do not belong together', NO_SIGNATURE, 'check the key with `airseal hsm list`')],
  [0x68, meaning('CKR_KEY_FUNCTION_NOT_PERMITTED', 'refused', 'key-usage', 'the key may not be used for this', NO_SIGNATURE, 'use a key that has CKA_SIGN')],
  [0x70, meaning('CKR_MECHANISM_INVALID', 'refused', 'mechanism-absent', 'the token does not offer this algorithm', 'nothing was done', 'choose an algorithm that `airseal hsm doctor` lists')],
  [0x71, meaning('CKR_MECHANISM_PARAM_INVALID', 'refused', 'mechanism-absent', 'the token wants other parameters for this algorithm', 'nothing was done', 'choose an algorithm that `airseal hsm doctor` lists')],
  [0x82, meaning('CKR_OBJECT_HANDLE_INVALID', 'unavailable', 'key-lost', 'the key is no longer where it was', REOPENED, 'check with `airseal hsm list` that it still exists', 'session')],
  [0xa0, meaning('CKR_PIN_INCORRECT', 'refused', 'pin-incorrect', 'the token refuses the PIN', STOPPED, 'correct the PIN source *before* anything retries: most tokens lock after a few attempts')],
  [0xa1, meaning('CKR_PIN_INVALID', 'refused', 'pin-incorrect', 'the PIN contains what the token does not accept', STOPPED, 'correct the PIN source')],
  [0xa2, meaning('CKR_PIN_LEN_RANGE', 'refused', 'pin-incorrect', 'the PIN is too short or too long for the token', STOPPED, 'correct the PIN source')],
  [0xa3, meaning('CKR_PIN_EXPIRED', 'refused', 'pin-expired', 'the PIN has expired', STOPPED, "change it with the vendor's tool, then write it to the PIN source")],
  [0xa4, meaning('CKR_PIN_LOCKED', 'refused', 'pin-locked', 'the token is locked after wrong PINs', STOPPED, 'let a security officer unlock it; find out who tried')],
  [0xb0, meaning('CKR_SESSION_CLOSED', 'unavailable', 'session-lost', 'the token closed the session', REOPENED, 'retry', 'session')],
  [0xb1, meaning('CKR_SESSION_COUNT', 'unavailable', 'sessions-exhausted', 'the token has no session left', NO_SIGNATURE, 'end other programs that use the token', 'session')],
  [0xb3, meaning('CKR_SESSION_HANDLE_INVALID', 'unavailable', 'session-lost', 'the token forgot the session', REOPENED, 'retry', 'session')],
  [0xd0, meaning('CKR_TEMPLATE_INCOMPLETE', 'refused', 'template', 'the token wants more attributes for this key', 'nothing was made', 'choose a token whose profile is known')],
  [0xd1, meaning('CKR_TEMPLATE_INCONSISTENT', 'refused', 'template', 'the token does not make keys with these attributes', 'nothing was made', "check the token's policy for this kind of key")],
  [0xe0, meaning('CKR_TOKEN_NOT_PRESENT', 'unavailable', 'token-absent', 'the token is not there', STOPPED, 'connect it; it is found again by itself', 'token')],
  [0xe1, meaning('CKR_TOKEN_NOT_RECOGNIZED', 'unavailable', 'token-absent', 'the library cannot read the token', STOPPED, 'check that it is the right token and initialised', 'token')],
  [0xe2, meaning('CKR_TOKEN_WRITE_PROTECTED', 'refused', 'write-protected', 'the token is write-protected', 'nothing was made or changed', "take the protection off with the vendor's tool")],
  [0x101, meaning('CKR_USER_NOT_LOGGED_IN', 'unavailable', 'login-lost', 'the token ended the login', REOPENED, 'retry', 'login')],
  [0x102, meaning('CKR_USER_PIN_NOT_INITIALIZED', 'refused', 'pin-unset', 'the token has no user PIN yet', STOPPED, "initialise it with the vendor's tool")],
  [0x104, meaning('CKR_USER_ANOTHER_ALREADY_LOGGED_IN', 'unavailable', 'login-lost', 'a security officer is logged in', STOPPED, 'end that login, then retry', 'login')],
  [0x150, meaning('CKR_BUFFER_TOO_SMALL', 'corrupt', 'garbage', 'the signature is longer than its algorithm allows', NO_SIGNATURE, 'stop using this token; run `airseal hsm doctor`')],
  [0x190, meaning('CKR_CRYPTOKI_NOT_INITIALIZED', 'unavailable', 'library-lost', 'the library lost its state', REOPENED, 'retry', 'token')],
]);

export const CKR = {
  attributeSensitive: 0x11,
  attributeTypeInvalid: 0x12,
  generalError: 0x05,
  tokenNotPresent: 0xe0,
  tokenNotRecognized: 0xe1,
  pinIncorrect: 0xa0,
  userAlreadyLoggedIn: 0x100,
  cryptokiAlreadyInitialized: 0x191,
} as const;

/** The number in an error of the binding; `undefined` if it is not a token's *no*. */
export function returnCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'number' && error.code !== 0 ? error.code : undefined;
}

export function meaningOf(code: number): Meaning {
  return (
    MEANINGS.get(code) ??
    meaning(
      code >= 0x80000000 ? `vendor 0x${code.toString(16)}` : `0x${code.toString(16)}`,
      'unavailable',
      'token-error',
      `the token answered with the code 0x${code.toString(16)}`,
      NO_SIGNATURE,
      "look the code up in the vendor's manual",
      'session',
    )
  );
}

/** Any error of the binding as the fault it means; what is no token's *no* is passed on as the defect it is. */
export function toFault(error: unknown): unknown {
  const code = returnCode(error);
  if (code === undefined) return error;
  const { name, kind, code: faultCode, cause, effect, next } = meaningOf(code);
  const method = error instanceof Error && 'method' in error ? String(error.method) : '';
  return new Fault(kind, faultCode, `${cause}; ${effect}; ${next}`, {
    cause: error,
    detail: { ckr: name, ...(method === '' ? {} : { function: method }) },
    ...(kind === 'unavailable' ? { retryAfterSeconds: 1 } : {}),
  });
}
