/**
 * The appliance's side of its tokens: asks, never touches.
 *
 * No PKCS#11 library is ever loaded in this process. Each token has an agent process of its own on the
 * host, shared by every process that opens it; a library that crashes takes the agent with it, the
 * requests in flight are rejected as `unavailable`, and the next one finds a fresh agent.
 */
import { Fault } from '#core/fault';
import type { Mode } from '#instance';
import type { Registry } from 'prom-client';
import type {
  AttributeReport,
  Backup,
  BenchFigure,
  DoctorReport,
  Inventory,
  KeyRecord,
  TokenInfo,
} from './key-report.js';
import type { KeyAlgorithm, Signer } from './signer.js';
import type { TokenSettings } from './token-settings.js';

/** The part of a structured logger that is used here. */
export interface HsmLogger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface HsmOptions {
  /** By the name that settings and ceremony bindings give them: `online`, `root`, `officer-1`. */
  readonly tokens: Readonly<Record<string, TokenSettings>>;
  /** Short, private directory for the agents' sockets, locks and logs. */
  readonly runtimeDir: string;
  /** `production` refuses software tokens; defaults to `evaluation`. */
  readonly mode?: Mode;
  readonly logger?: HsmLogger | undefined;
  readonly metrics?: Registry | undefined;
  /** After how long a signature that has not come is given up. Default 10 000. */
  readonly deadlineMs?: number;
}

export interface NewKey {
  readonly label: string;
  readonly algorithm: KeyAlgorithm;
  /** CKA_ID; 16 random octets by default. */
  readonly id?: Uint8Array;
  /** Default `none`. */
  readonly backup?: Backup;
  /** Ask for the PIN again at each signature (CKA_ALWAYS_AUTHENTICATE): for offline roots. */
  readonly alwaysAuthenticate?: boolean;
}

/** What the caller already knows about a key; a token that disagrees is refused. */
export interface ExpectedKey {
  readonly algorithm?: KeyAlgorithm;
  readonly spki?: Uint8Array;
}

export class Hsm {
  /** Opens nothing yet: the agents start with the first request. */
  static open(_options: HsmOptions): Promise<Hsm> {
    return Promise.resolve(new Hsm());
  }

  /**
   * A signer for the private key at `uri`, whose existence, algorithm and attributes have been checked.
   *
   * @throws {Fault} hsm/key-absent, hsm/key-ambiguous, hsm/attributes, hsm/key-unexpected, hsm/not-eligible
   */
  signer(_uri: string, _expected: ExpectedKey = {}): Promise<Signer> {
    return Promise.reject(notYet());
  }

  /**
   * Makes a key pair in the token from an explicit template and reads every attribute back.
   *
   * A pair whose obligatory attributes read back wrong has been destroyed when this rejects.
   *
   * @throws {Fault} hsm/label-taken, hsm/attributes, hsm/mechanism-absent, hsm/not-eligible
   */
  generate(_token: string, _key: NewKey): Promise<KeyRecord> {
    return Promise.reject(notYet());
  }

  /** Takes over a key made elsewhere, if its attributes hold; proves it by a signature. */
  adopt(_uri: string, _options: { readonly backup?: Backup } = {}): Promise<KeyRecord> {
    return Promise.reject(notYet());
  }

  /** SubjectPublicKeyInfo of the key at `uri`, DER. */
  publicKey(_uri: string): Promise<Uint8Array> {
    return Promise.reject(notYet());
  }

  /** Everything that stands in the token. */
  inventory(_token: string): Promise<Inventory> {
    return Promise.reject(notYet());
  }

  token(_token: string): Promise<TokenInfo> {
    return Promise.reject(notYet());
  }

  /** Random octets from the token's own generator. */
  random(_token: string, _length: number): Promise<Uint8Array> {
    return Promise.reject(notYet());
  }

  doctor(_token: string): Promise<DoctorReport> {
    return Promise.reject(notYet());
  }

  bench(_token: string): Promise<readonly BenchFigure[]> {
    return Promise.reject(notYet());
  }

  /** Resolves if the token can be used now; for /readyz. */
  probe(_token: string): Promise<void> {
    return Promise.reject(notYet());
  }

  /** The names under which tokens were given to `open`. */
  get tokenNames(): readonly string[] {
    return [];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function notYet(): Fault {
  return new Fault('unavailable', 'hsm/agent-lost', 'the agent of the token is not running');
}

export type { AttributeReport };
