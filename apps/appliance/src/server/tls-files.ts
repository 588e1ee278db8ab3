/**
 * The certificate of the public origin, taken up anew whenever its files change.
 *
 * Files are looked at, not watched: renewal tools swap symbolic links and rename directories, which file
 * events miss. A pair that does not fit together (a certificate already replaced, its key not yet) is left
 * alone until it does, and the old one serves on.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { Fault, isFault } from '#core/fault';
import { type Logger, type Metrics, readSecret, type Settings } from '#platform';
import type { TlsPolicy } from './crypto-profile.js';

/** Certificate, key, and what the profile of cryptography leaves of TLS: a replaced context gets nothing else. */
export interface TlsPair extends SecureContextOptions {
  readonly cert: string;
  readonly key: string;
}

/** Whatever serves with the pair: an HTTP/2 server, for instance. */
export interface TlsUser {
  setSecureContext(pair: TlsPair): void;
}

const LOOK_EVERY_MS = 5000;

export class TlsFiles {
  readonly #settings: Settings['tls'];
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  #pair: TlsPair | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastComplaint: string | undefined;

  readonly #policy: TlsPolicy;

  constructor(settings: Settings['tls'], policy: TlsPolicy, logger: Logger, metrics: Metrics) {
    this.#policy = policy;
    this.#settings = settings;
    this.#logger = logger;
    this.#metrics = metrics;
  }

  /** @throws {Fault} tls/key-in-token, tls/unreadable, tls/mismatch */
  load(): TlsPair {
    if (this.#settings.key.startsWith('pkcs11:')) {
      throw new Fault(
        'refused',
        'tls/key-in-token',
        'tls.key names a key in a token, which TLS in this Node.js cannot use: give a file of mode 0600, or end TLS in front of the appliance (docs/operating.md)',
      );
    }
    let cert: string;
    try {
      cert = readFileSync(this.#settings.certificate, 'utf8');
    } catch (cause) {
      throw new Fault(
        'absent',
        'tls/unreadable',
        `cannot read the certificate at ${this.#settings.certificate}`,
        {
          cause,
        },
      );
    }
    const pair = { ...this.#policy, cert, key: readSecret(this.#settings.key) };
    const leaf = checkPair(pair);
    this.#metrics
      .gauge(
        'airseal_tls_certificate_expiry_timestamp_seconds',
        'When the certificate of the public origin expires',
      )
      .set(Math.floor(Date.parse(leaf.validTo) / 1000));
    this.#pair = pair;
    return pair;
  }

  /** Hands every later pair to `user`, until `stop`. */
  follow(user: TlsUser, everyMs = LOOK_EVERY_MS): void {
    this.#timer = setInterval(() => this.refresh(user), everyMs);
    this.#timer.unref();
  }

  /** Looks now; never throws, since the pair in use goes on serving. */
  refresh(user: TlsUser): void {
    const before = this.#pair;
    try {
      const pair = this.load();
      if (pair.cert === before?.cert && pair.key === before.key) return;
      user.setSecureContext(pair);
      this.#lastComplaint = undefined;
      this.#logger.info('the certificate of the public origin was replaced');
    } catch (err) {
      const reason = isFault(err) ? err.message : String(err);
      if (reason !== this.#lastComplaint) {
        this.#logger.error({ err }, 'the new certificate cannot be used; the old one serves on');
      }
      this.#lastComplaint = reason;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function checkPair(pair: TlsPair): X509Certificate {
  try {
    const leaf = new X509Certificate(pair.cert);
    if (!leaf.checkPrivateKey(createPrivateKey(pair.key)))
      throw new Error('the key belongs to another certificate');
    createSecureContext(pair);
    return leaf;
  } catch (cause) {
    throw new Fault(
      'malformed',
      'tls/mismatch',
      'tls.certificate and tls.key do not make a pair: expected PEM, leaf first, with the key of the leaf',
      { cause },
    );
  }
}
