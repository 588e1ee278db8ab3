/**
 * The vendor's library, and the few calls that everything else here is made of.
 *
 * The binding hands plain pointers into our buffers to its worker threads and does not hold them: whatever
 * is given to an asynchronous call stays referenced here until the call is over.
 */
import pkcs11js from 'pkcs11js';
import type { Attribute, Handle, KeyPair, Mechanism, PKCS11 } from 'pkcs11js';
import { Fault } from '#core/fault';
import { logLine } from './log.js';
import { CKR, returnCode } from './return-codes.js';

export type { Attribute, Handle, PKCS11 };

export const CKA = {
  class: 0x000,
  token: 0x001,
  private: 0x002,
  label: 0x003,
  application: 0x010,
  value: 0x011,
  keyType: 0x100,
  id: 0x102,
  sensitive: 0x103,
  decrypt: 0x105,
  unwrap: 0x107,
  sign: 0x108,
  signRecover: 0x109,
  verify: 0x10a,
  derive: 0x10c,
  modulus: 0x120,
  modulusBits: 0x121,
  publicExponent: 0x122,
  privateExponent: 0x123,
  publicKeyInfo: 0x129,
  extractable: 0x162,
  local: 0x163,
  neverExtractable: 0x164,
  alwaysSensitive: 0x165,
  keyGenMechanism: 0x166,
  modifiable: 0x170,
  copyable: 0x171,
  ecParams: 0x180,
  ecPoint: 0x181,
  alwaysAuthenticate: 0x202,
  wrapWithTrusted: 0x210,
  allowedMechanisms: 0x40000600,
} as const;

export const CKO = { data: 0, publicKey: 2, privateKey: 3 } as const;
export const CKU = { user: 1, contextSpecific: 2 } as const;
export const SESSION = { serial: 4, readWrite: 2 } as const;

/** `unsupported` and `sensitive` are answers, not errors: one attribute that is unknown says nothing of the next. */
export type AttributeValue = Buffer | 'unsupported' | 'sensitive';

const UNSUPPORTED: ReadonlySet<number> = new Set([
  CKR.attributeTypeInvalid,
  CKR.generalError,
  0x06, // CKR_FUNCTION_FAILED
  0x07, // CKR_ARGUMENTS_BAD
  0x54, // CKR_FUNCTION_NOT_SUPPORTED
]);

/** @throws {Fault} hsm/library-load */
export function loadLibrary(path: string): PKCS11 {
  const library = new pkcs11js.PKCS11();
  try {
    library.load(path);
  } catch (cause) {
    throw new Fault(
      'unavailable',
      'hsm/library-load',
      `the PKCS#11 library cannot be loaded; check \`module\` in the settings of the token and that the vendor's client is installed`,
      { cause, detail: { module: path } },
    );
  }
  return library;
}

/** A CK_ULONG, 8 octets in the host's order on the platforms that we run on. */
export function ulong(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** @throws {RangeError} when the token gave something else */
export function fromUlong(bytes: Buffer): number {
  if (bytes.length === 4) return bytes.readUInt32LE();
  return Number(bytes.readBigUInt64LE());
}

export function readAttribute(
  library: PKCS11,
  session: Handle,
  object: Handle,
  type: number,
): AttributeValue {
  try {
    // Never several in one call: one unknown attribute would spoil the others (CEREMONY §4.4).
    const [attribute] = library.C_GetAttributeValue(session, object, [{ type }]);
    const value = attribute?.value;
    return Buffer.isBuffer(value) && value.length > 0 ? value : 'unsupported';
  } catch (error) {
    const code = returnCode(error);
    if (code === CKR.attributeSensitive) return 'sensitive';
    if (code !== undefined && UNSUPPORTED.has(code)) return 'unsupported';
    throw error;
  }
}

export function readBytes(
  library: PKCS11,
  session: Handle,
  object: Handle,
  type: number,
): Buffer | undefined {
  const value = readAttribute(library, session, object, type);
  return Buffer.isBuffer(value) ? value : undefined;
}

export function findObjects(
  library: PKCS11,
  session: Handle,
  template: Attribute[],
  most = 10_000,
): Handle[] {
  library.C_FindObjectsInit(session, template);
  try {
    const found: Handle[] = [];
    while (found.length < most) {
      const batch = library.C_FindObjects(session, Math.min(100, most - found.length));
      if (batch.length === 0) break;
      found.push(...batch);
    }
    return found;
  } finally {
    library.C_FindObjectsFinal(session);
  }
}

const underWay = new Set<readonly unknown[]>();

async function holding<T>(held: readonly unknown[], patienceMs: number, call: () => Promise<T>): Promise<T> {
  underWay.add(held);
  // A thread that is stuck in the library cannot be freed; the process can be ended, and another started.
  const timer = setTimeout(() => {
    logLine('the library does not return; the agent ends itself', { patienceMs });
    process.kill(process.pid, 'SIGKILL');
  }, patienceMs);
  try {
    return await call();
  } finally {
    clearTimeout(timer);
    underWay.delete(held);
  }
}

/** No token needs that long for one signature, however many wait before it. */
const SIGN_PATIENCE_MS = 20_000;
const GENERATE_PATIENCE_MS = 15 * 60_000;

/** C_Sign on a thread of its own; the session has been made ready by C_SignInit. */
export function signOnThread(library: PKCS11, session: Handle, data: Buffer, most: number): Promise<Buffer> {
  const room = Buffer.alloc(most);
  return holding([session, data, room], SIGN_PATIENCE_MS, () => library.C_SignAsync(session, data, room));
}

export function generateOnThread(
  library: PKCS11,
  session: Handle,
  mechanism: Mechanism,
  publicTemplate: Attribute[],
  privateTemplate: Attribute[],
): Promise<KeyPair> {
  return holding([session, mechanism, publicTemplate, privateTemplate], GENERATE_PATIENCE_MS, () =>
    library.C_GenerateKeyPairAsync(session, mechanism, publicTemplate, privateTemplate),
  );
}
