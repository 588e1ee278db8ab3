/**
 * How a signature comes to be.
 *
 *   1. find     the key by its name, its public half, and the attributes that allow its use
 *   2. digest   in software, with the hash that belongs to the key: tokens cut digests that are too long
 *               without a word (SoftHSM signs 32 of 48 octets for P-256)
 *   3. count    the use, which a durable line has allowed before; see count-uses.ts
 *   4. sign     on a thread of the library, in a session of this request alone
 *   5. verify   what came back, against the public half; what does not verify leaves this process never
 *
 * Between the first and the second step comes what has to be asked before a key is used: what a signer was
 * opened for binds what it can sign. The message must read as its purpose. A signer that was opened for heads signs
 * nothing else, and each head passes the signing memory; one that was not signs no head with a key of a log.
 *
 * Nothing may be signed without passing here.
 */
import { digest, HASH_LENGTH, verifySignature } from '#core/crypto';
import { Fault, isFault } from '#core/fault';
import { equalOctets } from '#core/octets';
import type { OriginHead } from '../heads.js';
import type { Purpose } from '../purpose.js';
import { CKK, CKM } from './algorithms.js';
import { assertPurpose } from './assert-purpose.js';
import type { CountUses, Use } from './count-uses.js';
import { digestInfo, garbage, signatureFromToken } from './encodings.js';
import { isEmptyHead, readHead, type ReadHead } from './head.js';
import type { TokenKey } from './key.js';
import { signOnThread, type Handle } from './library.js';
import { permittedKey } from './permitted-key.js';
import type { Announced, SigningMemory } from './signing-memory.js';
import type { OpenToken, Token } from './token.js';
import { readTokenUses } from './token-uses.js';

export interface SigningRequest {
  /** Where the key is. */
  readonly uri: string;
  readonly purpose: Purpose;
  readonly message: Buffer;
  /** SHA-256 of the public half that the key must have. */
  readonly key?: Uint8Array | undefined;
  /** The trees that the asking process has announced: then heads of these trees are signed, and nothing else. */
  readonly announced?: Announced | undefined;
  /** Told of the use when its signature is given out. */
  readonly given?: ((use: Use) => void) | undefined;
}

export class SignMessage {
  readonly #token: Token;
  readonly #memory: SigningMemory;
  readonly #counts: CountUses;
  #generation = 0;
  readonly #keys = new Map<string, TokenKey>();
  /** Keys that end with their session: nothing that they sign is relied on, so nobody counts it. */
  readonly #passing = new Set<string>();

  constructor(token: Token, memory: SigningMemory, counts: CountUses) {
    this.#token = token;
    this.#memory = memory;
    this.#counts = counts;
  }

  /**
   * @throws {Fault} what the token says no to, in our words; hsm/garbage, hsm/attributes, hsm/key-absent,
   *   hsm/key-unexpected, hsm/purpose, and what the signing memory says no to
   */
  execute(request: SigningRequest): Promise<Uint8Array> {
    const { uri, purpose, message, key: expected, announced } = request;
    return this.#token.with(async (token) => {
      const key = this.find(token, uri, expected);
      const head = readHead(message);
      assertPurpose(purpose, message, head);
      if (announced === undefined) await this.#assertNoHead(token, key, head);
      else await this.#memory.admit(key, headOf(head), announced);
      const input = toBeSigned(key, message);
      // Before a session is held: what the token remembers of the counts is read in one.
      if (!this.#passing.has(uri)) await this.#counts.open(() => readTokenUses(token));
      return await token.sessions.use(uri, (session) => this.#signIn(token, session, key, input, request));
    });
  }

  /** Counts the attempt, and says of it if nothing came of it. */
  async #signIn(
    token: OpenToken,
    session: Handle,
    key: TokenKey,
    input: Buffer,
    { purpose, message, given }: SigningRequest,
  ): Promise<Uint8Array> {
    const use = this.#passing.has(key.uri)
      ? undefined
      : (this.#counts.takeAtOnce(key, purpose) ?? (await this.#counts.take(key, purpose)));
    try {
      const raw = await signIn(token, session, key, input);
      const signature = signatureFromToken(raw, key.facts);
      verify(key, message, signature);
      if (use !== undefined) given?.(use);
      return signature;
    } catch (error) {
      if (use !== undefined) use.failed += 1;
      throw error;
    }
  }

  /** Admits a key that was made for a moment and never stands in the token. */
  admit(token: OpenToken, key: TokenKey): void {
    this.#sameOpening(token);
    this.#keys.set(key.uri, key);
    this.#passing.add(key.uri);
  }

  /** The next use looks at the key again. */
  forget(uri: string): void {
    this.#keys.delete(uri);
    this.#passing.delete(uri);
  }

  /** The key at `uri`, if it may be used and is the one that is `expected`. */
  find(token: OpenToken, uri: string, expected?: Uint8Array): TokenKey {
    this.#sameOpening(token);
    const key = this.#keys.get(uri) ?? permittedKey(token, uri).key;
    this.#keys.set(uri, key);
    if (expected !== undefined && !equalOctets(expected, key.digest)) throw unexpected(uri);
    return key;
  }

  /** An empty tree says nothing: a ceremony tries a new key on it. */
  async #assertNoHead(token: OpenToken, key: TokenKey, head: ReadHead): Promise<void> {
    if (head === undefined || (head !== 'doubtful' && head.size === 0n && isEmptyHead(head))) return;
    if (head !== 'doubtful' && !(await this.#memory.isLogKey(token, key))) return;
    throw new Fault(
      'refused',
      'hsm/purpose',
      'the message reads as the head of a log, which this signer was not opened for; nothing was signed',
    );
  }

  #sameOpening(token: OpenToken): void {
    if (token.generation === this.#generation) return;
    this.#keys.clear();
    this.#memory.tokenOpened();
    this.#generation = token.generation;
  }
}

/** @throws {Fault} hsm/purpose */
function headOf(head: ReadHead): OriginHead {
  if (head !== undefined && head !== 'doubtful') return head;
  throw new Fault(
    'refused',
    'hsm/purpose',
    'this signer was opened for the heads of a log, and the message is none; nothing was signed',
  );
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
