/**
 * How a signature comes to be.
 *
 *   1. find     the key by its name, its public half, and the attributes that allow its use
 *   2. digest   in software, with the hash that belongs to the key: tokens cut digests that are too long
 *               without a word (SoftHSM signs 32 of 48 octets for P-256)
 *   3. sign     on a thread of the library, in a session of this request alone
 *   4. verify   what came back, against the public half; what does not verify leaves this process never
 *
 * Nothing may be signed without passing here: whatever else has to be asked before a key is used belongs
 * between the second and the third step.
 */
import { digest, HASH_LENGTH, verifySignature } from '#core/crypto';
import { Fault, isFault } from '#core/fault';
import { equalOctets } from '#core/octets';
import { CKK, CKM } from './algorithms.js';
import { digestInfo, garbage, signatureFromToken } from './encodings.js';
import type { TokenKey } from './key.js';
import { signOnThread, type Handle } from './library.js';
import { permittedKey } from './permitted-key.js';
import type { OpenToken, Token } from './token.js';

export class SignMessage {
  readonly #token: Token;
  #generation = 0;
  readonly #keys = new Map<string, TokenKey>();

  constructor(token: Token) {
    this.#token = token;
  }

  /**
   * Signs with the key at `uri`; where `expected` is given, only if it is the SHA-256 of its public half.
   *
   * @throws {Fault} what the token says no to, in our words; hsm/garbage, hsm/attributes, hsm/key-absent,
   *   hsm/key-unexpected
   */
  execute(uri: string, message: Buffer, expected?: Uint8Array): Promise<Uint8Array> {
    return this.#token.with(async (token) => {
      const key = this.#find(token, uri);
      if (expected !== undefined && !equalOctets(expected, key.digest)) throw unexpected(uri);
      const input = toBeSigned(key, message);
      const raw = await token.sessions.use(uri, (session) => signIn(token, session, key, input));
      const signature = signatureFromToken(raw, key.facts);
      verify(key, message, signature);
      return signature;
    });
  }

  /** Admits a key that was made for a moment and never stands in the token. */
  admit(token: OpenToken, key: TokenKey): void {
    this.#sameOpening(token);
    this.#keys.set(key.uri, key);
  }

  /** The next use looks at the key again. */
  forget(uri: string): void {
    this.#keys.delete(uri);
  }

  #find(token: OpenToken, uri: string): TokenKey {
    this.#sameOpening(token);
    const known = this.#keys.get(uri);
    if (known !== undefined) return known;
    const { key } = permittedKey(token, uri);
    this.#keys.set(uri, key);
    return key;
  }

  #sameOpening(token: OpenToken): void {
    if (token.generation === this.#generation) return;
    this.#keys.clear();
    this.#generation = token.generation;
  }
}

function unexpected(uri: string): Fault {
  return new Fault(
    'refused',
    'hsm/key-unexpected',
    `the key ${uri} is not the one that it was before; nothing was signed; find out who changed it`,
  );
}

function toBeSigned(key: TokenKey, message: Buffer): Buffer {
  const { hash } = key.facts;
  if (hash === undefined || key.mechanism === CKM.sha256RsaPkcs) return message;
  const hashed = digest(hash, message);
  if (hashed.length !== HASH_LENGTH[hash])
    throw new RangeError(`a ${hash} digest of ${hashed.length} octets`);
  return Buffer.from(key.facts.keyType === CKK.rsa ? digestInfo(hashed) : hashed);
}

async function signIn(token: OpenToken, session: Handle, key: TokenKey, input: Buffer): Promise<Buffer> {
  token.library.C_SignInit(session, { mechanism: key.mechanism }, key.privateHandle);
  if (key.alwaysAuthenticate) token.authenticate(session);
  return await signOnThread(token.library, session, input, key.facts.signatureBytes + 64);
}

function verify(key: TokenKey, message: Buffer, signature: Uint8Array): void {
  try {
    verifySignature(key.publicKey, message, signature);
  } catch (cause) {
    if (isFault(cause) && cause.code === 'crypto/signature-mismatch') throw garbage(cause);
    throw cause;
  }
}
