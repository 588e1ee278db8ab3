/**
 * One token, found and opened, lost and found again.
 *
 *   1. load the library (once) and initialise it
 *   2. find the token by what its URI says: slots change their numbers, so each opening looks at all of them
 *   3. look at the PIN's state *before* trying it, log in once for all sessions
 *   4. serve, until a return code says that session, login or token are gone
 *   5. let what is under way come to its end, finalise, and begin again with the next request
 *
 * While the token is absent each request fails at once; it is looked for at most four times a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '#core/fault';
import type { TokenInfo } from '../key-report.js';
import { formatPkcs11Uri, namesToken, type Pkcs11Uri } from '../pkcs11-uri.js';
import { CKU, loadLibrary, SESSION, type Handle, type PKCS11 } from './library.js';
import type { Log } from './log.js';
import type { Pin } from './pin.js';
import { CKR, meaningOf, returnCode, toFault } from './return-codes.js';
import { SessionPool } from './sessions.js';
import { PIN_STATE, tokenInfo } from './token-info.js';

export interface Mechanism {
  readonly minBits: number;
  readonly maxBits: number;
  readonly flags: number;
}

export interface OpenToken {
  readonly library: PKCS11;
  readonly slot: Handle;
  readonly info: TokenInfo;
  readonly mechanisms: ReadonlyMap<number, Mechanism>;
  readonly sessions: SessionPool;
  /** For calls that do not leave the thread; read-only. */
  readonly desk: Handle;
  openSession(readWrite?: boolean): Handle;
  /** Presents the PIN for the operation that was just begun (CKA_ALWAYS_AUTHENTICATE). */
  authenticate(session: Handle): void;
  /** Grows with every opening: handles of an earlier one mean nothing. */
  readonly generation: number;
}

const LOOK_AGAIN_MS = 250;
/** SoftHSM reads its token while another process writes it, and then does not recognise it (MEASURED §3). */
const PATIENCE_MS: readonly number[] = [0, 20, 60, 120];

export class Token {
  readonly #path: string;
  readonly #wanted: Pkcs11Uri;
  readonly #pin: Pin;
  readonly #poolSize: number;
  readonly #log: Log;
  #library: PKCS11 | undefined;
  #opening: Promise<OpenToken> | undefined;
  #closing: Promise<void> = Promise.resolve();
  #failed: { readonly at: number; readonly error: unknown } | undefined;
  #open: OpenToken | undefined;
  #generation = 0;

  constructor(path: string, wanted: Pkcs11Uri, pin: Pin, poolSize: number, log: Log) {
    this.#path = path;
    this.#wanted = wanted;
    this.#pin = pin;
    this.#poolSize = poolSize;
    this.#log = log;
  }

  get current(): OpenToken | undefined {
    return this.#open;
  }

  open(): Promise<OpenToken> {
    if (this.#opening !== undefined) return this.#opening;
    if (this.#failed !== undefined && Date.now() - this.#failed.at < LOOK_AGAIN_MS) {
      return Promise.reject(this.#failed.error as Error);
    }
    this.#opening = this.#start();
    this.#opening.catch((error: unknown) => {
      this.#opening = undefined;
      this.#failed = { at: Date.now(), error };
    });
    return this.#opening;
  }

  /**
   * Runs `work` on the open token; if it ends because session, login or token are gone, opens again and
   * runs it once more. Safe for signatures, since the first attempt gave none.
   */
  async with<T>(work: (token: OpenToken) => Promise<T> | T): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const token = await this.open();
      try {
        return await work(token);
      } catch (error) {
        const code = returnCode(error);
        if (code === undefined) throw error;
        const { lost, name } = meaningOf(code);
        if (lost !== undefined) this.lose(token, name);
        if (lost === undefined || attempt === 2) throw toFault(error);
      }
    }
  }

  /** The next request opens the token anew; requests under way on `token` come to their own end. */
  lose(token: OpenToken, why: string): void {
    if (this.#open !== token) return;
    this.#open = undefined;
    this.#opening = undefined;
    this.#log('the token was lost and will be opened again', { ckr: why, token: token.info.label });
    this.#closing = this.#finish(token);
  }

  async close(): Promise<void> {
    const token = this.#open;
    if (token !== undefined) this.lose(token, 'closing');
    await this.#closing;
  }

  async #finish(token: OpenToken): Promise<void> {
    token.sessions.end(
      new Fault('unavailable', 'hsm/session-lost', 'the token is being opened again; retry', {
        retryAfterSeconds: 1,
      }),
    );
    await token.sessions.drained();
    this.#finalize();
  }

  #finalize(): void {
    try {
      this.#library?.C_Finalize();
    } catch {
      // A library that lost its state has nothing left to finalise.
    }
  }

  async #start(): Promise<OpenToken> {
    await this.#closing;
    const library = (this.#library ??= loadLibrary(this.#path));
    try {
      const slot = await this.#find(library);
      const token = this.#serve(library, slot);
      this.#open = token;
      this.#failed = undefined;
      this.#log('token open', {
        token: token.info.label,
        serial: token.info.serial,
        library: token.info.library,
      });
      return token;
    } catch (error) {
      this.#finalize();
      const fault = toFault(error);
      this.#log('the token cannot be opened', {
        error: fault instanceof Error ? fault.message : String(fault),
      });
      throw fault;
    }
  }

  async #find(library: PKCS11): Promise<Handle> {
    for (const patience of PATIENCE_MS) {
      await sleep(patience);
      if (patience > 0) this.#finalize();
      initialize(library);
      const found = library.C_GetSlotList(true).filter((slot) => this.#fits(library, slot));
      const [slot] = found;
      if (found.length > 1) {
        throw new Fault(
          'conflict',
          'hsm/token-ambiguous',
          'several tokens answer to this URI; add the serial number to it',
        );
      }
      if (slot !== undefined) return slot;
    }
    throw new Fault(
      'unavailable',
      'hsm/token-absent',
      `no token answers to ${formatPkcs11Uri(this.#wanted)}; connect it, or correct the URI; it is found again by itself`,
      { detail: { ckr: 'CKR_TOKEN_NOT_PRESENT' }, retryAfterSeconds: 1 },
    );
  }

  #fits(library: PKCS11, slot: Handle): boolean {
    try {
      const about = library.C_GetTokenInfo(slot);
      return namesToken(this.#wanted, {
        token: about.label.trimEnd(),
        manufacturer: about.manufacturerID.trimEnd(),
        model: about.model.trimEnd(),
        serial: about.serialNumber.trimEnd(),
      });
    } catch (error) {
      if (returnCode(error) === undefined) throw error;
      return false;
    }
  }

  #serve(library: PKCS11, slot: Handle): OpenToken {
    const info = tokenInfo(library, slot);
    const openSession = (readWrite = false): Handle =>
      library.C_OpenSession(slot, SESSION.serial | (readWrite ? SESSION.readWrite : 0));
    const desk = openSession();
    this.#login(library, desk, info);
    const closeSession = (session: Handle): void => {
      try {
        library.C_CloseSession(session);
      } catch {
        // It is gone, which is what was wanted.
      }
    };
    const mechanisms = readMechanisms(library, slot);
    this.#generation += 1;
    return {
      library,
      slot,
      info,
      mechanisms,
      desk,
      openSession,
      authenticate: (session) => library.C_Login(session, CKU.contextSpecific, this.#pin.read()),
      sessions: new SessionPool(this.#poolSize, openSession, closeSession),
      generation: this.#generation,
    };
  }

  #login(library: PKCS11, session: Handle, info: TokenInfo): void {
    if (info.pin === 'locked' || info.pin === 'final-try') {
      throw new Fault('refused', `hsm/pin-${info.pin}`, PIN_STATE[info.pin]);
    }
    let pin: string;
    try {
      pin = this.#pin.read();
    } catch (error) {
      if (info.protectedAuthenticationPath) throw protectedPath(error);
      throw error;
    }
    try {
      library.C_Login(session, CKU.user, pin);
      this.#pin.accepted();
    } catch (error) {
      const code = returnCode(error);
      if (code === CKR.userAlreadyLoggedIn) return;
      if (code !== undefined && meaningOf(code).code.startsWith('hsm/pin-')) this.#pin.refused();
      throw error;
    }
  }
}

function initialize(library: PKCS11): void {
  try {
    library.C_Initialize({ flags: 2 /* CKF_OS_LOCKING_OK */ });
  } catch (error) {
    if (returnCode(error) !== CKR.cryptokiAlreadyInitialized) throw error;
  }
}

function readMechanisms(library: PKCS11, slot: Handle): ReadonlyMap<number, Mechanism> {
  const mechanisms = new Map<number, Mechanism>();
  for (const mechanism of library.C_GetMechanismList(slot)) {
    try {
      const { minKeySize, maxKeySize, flags } = library.C_GetMechanismInfo(slot, mechanism);
      mechanisms.set(mechanism, { minBits: minKeySize, maxBits: maxKeySize, flags });
    } catch (error) {
      // Some libraries list mechanisms that they then know nothing about: those are not offered.
      if (returnCode(error) === undefined) throw error;
    }
  }
  return mechanisms;
}

/** C_Login wants a NULL PIN there, and the binding can only pass a string. */
function protectedPath(cause: unknown): Fault {
  return new Fault(
    'refused',
    'hsm/protected-authentication-path',
    'this token takes its PIN at a device of its own (protected authentication path), which is not supported; activate the partition for password logins and write that password to the PIN source',
    { cause },
  );
}
