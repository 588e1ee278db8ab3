/**
 * The appliance's side of its tokens: asks, never touches.
 *
 * No PKCS#11 library is ever loaded in this process. Each token has an agent process of its own on the
 * host, shared by every process that opens it; a library that crashes takes the agent with it, the
 * requests in flight are rejected as `unavailable`, and the next one finds a fresh agent.
 */
import { randomBytes } from 'node:crypto';
import { sha256 } from '#core/crypto';
import { Fault, isFault } from '#core/fault';
import { equalOctets, fromBase64, fromHex, toHex } from '#core/octets';
import type { Mode } from '#instance';
import type { Metrics } from '#platform';
import { AgentLink, type SigningKey } from './agent-link.js';
import { agentPlace } from './agent-process.js';
import { bench } from './bench.js';
import { doctor } from './doctor.js';
import { assertEligible } from './eligibility.js';
import type { Backup, BenchFigure, DoctorReport, Inventory, KeyRecord, TokenInfo } from './key-report.js';
import { hsmMetrics, UNMETERED, type HsmMetrics } from './metrics.js';
import { parsePkcs11Uri } from './pkcs11-uri.js';
import { FRAME } from './frames.js';
import { STH_ORIGIN, type Head, type SignedBefore } from './heads.js';
import { headLetter, readLetter, readUsesLetter, type KeyLetter } from './protocol.js';
import type { PlainPurpose, Purpose } from './purpose.js';
import type { HeadSigner, KeyAlgorithm, Signer } from './signer.js';
import type { TokenSettings } from './token-settings.js';
import type { UsesReport } from './uses.js';

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
  /** Where agents keep their signing journals; without it they sign for no log that has leaves. */
  readonly journalDir?: string | undefined;
  /** `production` refuses software tokens; defaults to `evaluation`. */
  readonly mode?: Mode | undefined;
  readonly logger?: HsmLogger | undefined;
  readonly metrics?: Metrics | undefined;
  /** After how long a signature that has not come is given up. Default 10 000. */
  readonly deadlineMs?: number | undefined;
}

export interface NewKey {
  readonly label: string;
  readonly algorithm: KeyAlgorithm;
  /** CKA_ID; 16 random octets by default. */
  readonly id?: Uint8Array | undefined;
  /** Default `none`. */
  readonly backup?: Backup | undefined;
  /** Ask for the PIN again at each signature (CKA_ALWAYS_AUTHENTICATE): for offline roots. */
  readonly alwaysAuthenticate?: boolean | undefined;
}

/** What the caller already knows about a key; a token that disagrees is refused. */
export interface ExpectedKey {
  readonly algorithm?: KeyAlgorithm | undefined;
  readonly spki?: Uint8Array | undefined;
  /** How its backup was declared; default `none`. */
  readonly backup?: Backup | undefined;
}

interface KnownToken {
  readonly name: string;
  readonly label: string;
  readonly link: AgentLink;
}

/** Making an RSA key takes a small token minutes. */
const PATIENT_MS = 10 * 60_000;
const QUICK_MS = 10_000;
const WATCH_MS = 5000;
const MOST_EARLY = 32;

export class Hsm {
  readonly #tokens: ReadonlyMap<string, KnownToken>;
  readonly #mode: Mode;
  readonly #deadlineMs: number;
  readonly #metrics: HsmMetrics;
  readonly #eligible = new Set<string>();
  /** What the agents said of keys; they look again themselves whenever they open the token. */
  readonly #letters = new Map<string, KeyLetter>();
  readonly #watch: NodeJS.Timeout | undefined;
  /** Refusals from before anybody listened: keys are opened while an appliance starts. */
  readonly #early: (readonly [string, Fault])[] = [];
  #tellRefused: (key: string, fault: Fault) => void = (key, fault) => {
    if (this.#early.length < MOST_EARLY) this.#early.push([key, fault]);
  };

  private constructor(options: HsmOptions) {
    this.#mode = options.mode ?? 'evaluation';
    this.#deadlineMs = options.deadlineMs ?? QUICK_MS;
    const { logger } = options;
    const tokens = Object.entries(options.tokens).map(([name, settings]): [string, KnownToken] => {
      const { token: label, object, id } = parsePkcs11Uri(settings.uri);
      if (label === undefined || object !== undefined || id !== undefined) {
        throw new Fault(
          'malformed',
          'hsm/uri',
          `the URI of token ${name} must name a token by its label, and nothing inside it`,
        );
      }
      const link = new AgentLink(agentPlace(name, settings, options.runtimeDir, options.journalDir), {
        lost: (facts) => logger?.warn(facts, 'the agent of a token ended; another is being started'),
        connected: (facts) => logger?.info(facts, 'connected to the agent of a token'),
      });
      return [name, { name, label, link }];
    });
    this.#tokens = new Map(tokens);
    this.#metrics = options.metrics === undefined ? UNMETERED : hsmMetrics(options.metrics);
    // Only watching keeps no process alive.
    if (options.metrics !== undefined)
      this.#watch = setInterval(() => void this.#countSessions(), WATCH_MS).unref();
  }

  /**
   * Opens nothing yet: the agents start with the first request.
   *
   * @throws {Fault} hsm/uri, hsm/socket-path
   */
  // eslint-disable-next-line @typescript-eslint/require-await -- rejects instead of throwing
  static async open(options: HsmOptions): Promise<Hsm> {
    return new Hsm(options);
  }

  /** The names under which tokens were given to `open`. */
  get tokenNames(): readonly string[] {
    return [...this.#tokens.keys()];
  }

  /**
   * Tells of every key and signature that was refused by a rule. A token that is merely away is no refusal, nor is a head that
   * another replica has outgrown: a database that was taken back is told of by the tree, which reads it.
   */
  whenRefused(tell: (key: string, fault: Fault) => void): void {
    this.#tellRefused = tell;
    for (const [key, fault] of this.#early.splice(0)) tell(key, fault);
  }

  /**
   * A signer for the private key at `uri`, whose existence, algorithm and attributes have been checked. It
   * signs what reads as `purpose`, and no heads of logs.
   *
   * @throws {Fault} hsm/key-absent, hsm/key-ambiguous, hsm/attributes, hsm/key-unexpected, hsm/not-eligible
   */
  async signer(uri: string, purpose: PlainPurpose, expected: ExpectedKey = {}): Promise<Signer> {
    const { algorithm, spki, link, label, digest } = await this.#expectedKey(uri, expected);
    return {
      uri,
      algorithm,
      spki,
      sign: (message) => this.#sign(link, { uri, digest }, label, purpose, message),
      abandoned: () => {
        const asks = { uri, digest: toHex(digest), purpose };
        // An agent that cannot be told has died, and counts what it gave out as uncertain.
        link.call('adrift', asks, this.#deadlineMs).catch(() => undefined);
      },
    };
  }

  /** As `signer`, for the heads of the tree that calls itself `origin` (STH_ORIGIN in a certificate log). */
  async headSigner(uri: string, origin: string, expected: ExpectedKey = {}): Promise<HeadSigner> {
    const { algorithm, spki, link, label, digest } = await this.#expectedKey(uri, expected);
    const purpose = origin === STH_ORIGIN ? 'tree-head' : 'checkpoint';
    const letter = (head: Head) => ({ uri, digest: toHex(digest), origin, ...headLetter(head) });
    return {
      uri,
      algorithm,
      spki,
      sign: (message) => this.#sign(link, { uri, digest }, label, purpose, message, FRAME.signHead),
      announce: async (head): Promise<SignedBefore> => {
        const { journal, token, open } = await this.#asking(
          link.call('announce', letter(head), this.#deadlineMs),
        );
        return {
          open,
          ...(journal === undefined ? {} : { journal: readLetter(journal) }),
          ...(token === undefined ? {} : { token: readLetter(token) }),
        };
      },
      adopt: async (head) => {
        await this.#asking(link.call('adoptHead', letter(head), this.#deadlineMs));
      },
    };
  }

  async #expectedKey(
    uri: string,
    expected: ExpectedKey,
  ): Promise<Pick<KeyRecord, 'algorithm' | 'spki'> & { link: AgentLink; label: string; digest: Uint8Array }> {
    try {
      return await this.#openKey(uri, expected);
    } catch (error) {
      this.#tellIfRefused(parsePkcs11Uri(uri).object ?? uri, error);
      throw error;
    }
  }

  #tellIfRefused(label: string, error: unknown): void {
    if (isFault(error) && error.kind !== 'unavailable' && error.code !== 'hsm/head-outgrown')
      this.#tellRefused(label, error);
  }

  async #openKey(
    uri: string,
    expected: ExpectedKey,
  ): Promise<Pick<KeyRecord, 'algorithm' | 'spki'> & { link: AgentLink; label: string; digest: Uint8Array }> {
    const { link, name } = this.#holderOf(uri);
    await this.#assertEligible(name);
    const { algorithm, spki } = keyRecord(await this.#lookAt(link, uri, expected.backup ?? 'none'));
    if (
      (expected.algorithm !== undefined && expected.algorithm !== algorithm) ||
      (expected.spki !== undefined && !equalOctets(expected.spki, spki))
    ) {
      throw new Fault(
        'refused',
        'hsm/key-unexpected',
        `the key ${uri} is not the one that the ceremony made; find out who put it there`,
      );
    }
    return { algorithm, spki, link, label: parsePkcs11Uri(uri).object ?? name, digest: sha256(spki) };
  }

  /**
   * Makes a key pair in the token from an explicit template and reads every attribute back.
   *
   * A pair whose obligatory attributes read back wrong has been destroyed when this rejects.
   *
   * @throws {Fault} hsm/label-taken, hsm/attributes, hsm/mechanism-absent, hsm/not-eligible
   */
  async generate(token: string, key: NewKey): Promise<KeyRecord> {
    const { link } = this.#known(token);
    await this.#assertEligible(token);
    const { label, algorithm, id = randomBytes(16), backup = 'none', alwaysAuthenticate = false } = key;
    const asks = { label, algorithm, id: toHex(id), backup, alwaysAuthenticate };
    return keyRecord(await this.#asking(link.call('generate', asks, PATIENT_MS)));
  }

  /** Takes over a key made elsewhere, if its attributes hold; proves it by a signature. */
  async adopt(uri: string, options: { readonly backup?: Backup | undefined } = {}): Promise<KeyRecord> {
    const { link, name } = this.#holderOf(uri);
    await this.#assertEligible(name);
    return keyRecord(
      await this.#asking(link.call('adopt', { uri, backup: options.backup ?? 'none' }, PATIENT_MS)),
    );
  }

  /**
   * Destroys the pair at `uri`, or the half of one that a crash left; `label` must repeat the URI's.
   *
   * @throws {Fault} hsm/destroy
   */
  async destroy(uri: string, label: string): Promise<void> {
    this.#letters.clear();
    await this.#asking(this.#holderOf(uri).link.call('destroy', { uri, label }, PATIENT_MS));
  }

  /** SubjectPublicKeyInfo of the key at `uri`, DER. */
  async publicKey(uri: string): Promise<Uint8Array> {
    return (await this.#expectedKey(uri, {})).spki;
  }

  /** Everything that stands in the token. */
  async inventory(token: string): Promise<Inventory> {
    const letter = await this.#asking(this.#known(token).link.call('inventory', {}, PATIENT_MS));
    return { ...letter, keys: letter.keys.map(keyRecord) };
  }

  /** How often the token's keys were used on this host, by purpose. @throws {Fault} hsm/counts-damaged */
  async uses(token: string): Promise<UsesReport> {
    return readUsesLetter(await this.#asking(this.#known(token).link.call('uses', {}, this.#deadlineMs)));
  }

  token(token: string): Promise<TokenInfo> {
    return this.#asking(this.#known(token).link.call('token', {}, this.#deadlineMs));
  }

  /** Resolves if the token can be used now; for /readyz. */
  async probe(token: string): Promise<void> {
    await this.random(token, 8);
  }

  /** Random octets from the token's own generator. */
  async random(token: string, length: number): Promise<Uint8Array> {
    const { octets } = await this.#asking(
      this.#known(token).link.call('random', { length }, this.#deadlineMs),
    );
    return fromBase64(octets);
  }

  /** Tries what the token can do, with keys that leave no trace, and, when nobody else uses it, whether it returns. */
  doctor(token: string): Promise<DoctorReport> {
    return doctor(token, this.#known(token).link);
  }

  bench(token: string): Promise<readonly BenchFigure[]> {
    return bench(this.#known(token).link);
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    await Promise.all([...this.#tokens.values()].map(({ link }) => link.close()));
  }

  async #lookAt(link: AgentLink, uri: string, backup: Backup): Promise<KeyLetter> {
    const name = `${backup} ${uri}`;
    const known = this.#letters.get(name);
    if (known !== undefined) return known;
    const letter = await this.#asking(link.call('key', { uri, backup }, this.#deadlineMs));
    this.#letters.set(name, letter);
    return letter;
  }

  async #sign(
    link: AgentLink,
    key: SigningKey,
    label: string,
    purpose: Purpose,
    message: Uint8Array,
    kind: typeof FRAME.sign | typeof FRAME.signHead = FRAME.sign,
  ): Promise<Uint8Array> {
    const begun = performance.now();
    const signature = await this.#asking(link.sign(key, purpose, message, this.#deadlineMs, kind)).catch(
      (error: unknown) => {
        this.#tellIfRefused(label, error);
        throw error;
      },
    );
    this.#metrics.signed(label, (performance.now() - begun) / 1000);
    return signature;
  }

  async #asking<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      this.#metrics.failed(error);
      throw error;
    }
  }

  async #assertEligible(name: string): Promise<void> {
    if (this.#mode !== 'production' || this.#eligible.has(name)) return;
    assertEligible(this.#mode, await this.token(name));
    this.#eligible.add(name);
  }

  #known(name: string): KnownToken {
    const token = this.#tokens.get(name);
    if (token === undefined) {
      throw new Fault(
        'absent',
        'hsm/token-unknown',
        `no token named ${name} is configured; add it under hsm.tokens`,
      );
    }
    return token;
  }

  #holderOf(uri: string): KnownToken {
    const { token: label } = parsePkcs11Uri(uri);
    const holders = [...this.#tokens.values()].filter((token) => token.label === label);
    const [holder] = holders;
    if (holder === undefined || holders.length > 1) {
      throw new Fault(
        'absent',
        'hsm/token-unknown',
        `not exactly one configured token has the label that ${uri} names; see hsm.tokens`,
      );
    }
    return holder;
  }

  async #countSessions(): Promise<void> {
    for (const { name, link } of this.#tokens.values()) {
      const status = link.standing ? await link.call('status', {}, 1000).catch(() => undefined) : undefined;
      this.#metrics.sessions(name, status?.sessions ?? 0);
      const report =
        status === undefined || status.sessions === 0
          ? undefined
          : await link.call('uses', {}, 1000).catch(() => undefined);
      for (const { key, label, purpose, counted } of report?.uses ?? [])
        this.#metrics.uses(label === '' ? key : label, purpose, Number(counted));
    }
  }
}

function keyRecord({ uri, algorithm, spki, id, report }: KeyLetter): KeyRecord {
  return { uri, algorithm, spki: fromBase64(spki), id: fromHex(id), report };
}
