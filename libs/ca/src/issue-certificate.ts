/**
 * How a certificate comes to be.
 *
 * The order of the steps is the security argument, so it is written once, here, top to bottom:
 *
 *   1. admit    the time is trusted, the token is believed, and the requester holds the key. A certificate's notBefore
 *               says when, as a timestamp does, and nobody can take it back
 *   2. draft    the profile fills every field, the lints pass; nothing is signed yet
 *   3. record   the intent is durable *before* the key is touched, so that a crash in the next step leaves a trace of
 *               what may exist; a draft that the lints refuse is recorded as refused
 *   4. promise  the linted precertificate is signed once; the certificate log takes it in and promises, and the promise
 *               is verified with the key that clients know
 *   5. sign     the same bytes, poison replaced by the promise, are linted again and signed once
 *   6. verify   what was signed is read back and checked against the chain that goes out with it
 *
 * A fault at any step abandons the attempt: no promise, no certificate. Nothing is retried under the same serial
 * number, and there is one final certificate per precertificate (RFC 6962 §3.1).
 */
import { parsePublicKey, type PublicKey } from '#core/crypto';
import { parseSct, sctListExtension, verifySct } from '#core/ct';
import { Fault, isFault } from '#core/fault';
import { equalOctets } from '#core/octets';
import {
  assembleCertificate,
  draftLeaf,
  issuerKeyHash,
  type LeafDraft,
  lintLeaf,
  loggedTbs,
  parseCertificate,
  verifyIssuedBy,
} from '#core/x509';
import type { Signer } from '#hsm';
import type { Identity } from '#identity';
import type { Mode } from '#instance';
import type { Clock } from '#platform';
import type { IssuanceJournal } from './issuance-record.js';
import { caInForce, type IssuingCa, type IssuingSigners, VALIDITY_MS } from './issuing-ca.js';
import { type KeyClaim, proveKey } from './prove-key.js';

export interface SigningRequest {
  /** The bearer token, as it came. */
  readonly token: string;
  readonly key: KeyClaim;
}

export interface IssuedCertificate {
  /** Leaf first, root last, DER; always at least two. */
  readonly chain: readonly Uint8Array[];
}

/** The certificate log, in the same process. */
export interface CertificateLog {
  /**
   * Resolves to a serialized SCT once the entry is durable in the log.
   *
   * @param tbs TBS of the precertificate without poison
   * @param keyHash SHA-256 of the issuing key's SubjectPublicKeyInfo
   */
  promise(
    tbs: Uint8Array,
    keyHash: Uint8Array,
    precertificate: Uint8Array,
    chain: readonly Uint8Array[],
  ): Promise<Uint8Array>;
}

/** Whether the time may be put into a signature. */
export interface TrustedClock {
  /** @throws {Fault} if it may not */
  check(): void;
}

export interface IssueCertificatePorts {
  readonly identities: { execute(token: string): Promise<Identity> };
  readonly authorities: readonly IssuingCa[];
  readonly log: CertificateLog;
  /** Keys of the certificate logs that clients are told to trust. */
  readonly logKeys: readonly PublicKey[];
  readonly journal: IssuanceJournal;
  readonly clock: Clock;
  readonly clockTrust: TrustedClock;
  readonly random: (length: number) => Uint8Array;
  /** Certificates of rehearsals get the extension that makes them unusable. */
  readonly mode: Mode;
}

const SERIAL_OCTETS = 20;

export class IssueCertificate {
  readonly #ports: IssueCertificatePorts;

  constructor(ports: IssueCertificatePorts) {
    this.#ports = ports;
  }

  /** Every chain that was or is in force, issuing certificate first: what clients should trust. */
  get authorities(): readonly IssuingCa[] {
    return this.#ports.authorities;
  }

  /** @throws {Fault} identity/…, ca/… */
  async execute(request: SigningRequest): Promise<IssuedCertificate> {
    const identity = await this.#ports.identities.execute(request.token);
    try {
      return await this.#issue(request, identity);
    } catch (error) {
      // What the lints refuse is recorded with the draft. A refusal that cannot be recorded stays a refusal.
      if (isFault(error) && error.code !== 'ca/lint')
        await this.#ports.journal.denied(identity, error).catch(() => undefined);
      throw error;
    }
  }

  async #issue(request: SigningRequest, identity: Identity): Promise<IssuedCertificate> {
    const { clock, journal } = this.#ports;

    // 1. admit
    this.#believeClock();
    const key = proveKey(request.key, identity.challengeValues);

    // 2. draft
    const ca = caInForce(this.#ports.authorities, clock.nowMs());
    const signers = await this.#signers(ca);
    const draft = this.#draft(identity, key, ca, signers.certificate);
    const precertTbs = draft.tbsPrecert();
    const findings = this.#lint(precertTbs, 'precertificate', ca);

    // 3. record
    await journal.record({
      serial: draft.serial,
      decision: findings.length === 0 ? 'issue' : 'refuse',
      ...(findings.length === 0 ? {} : { reason: findings.join('; ') }),
      identity,
      token: request.token,
      spki: key.spki,
      ca: ca.certificate.der,
      draft: precertTbs,
    });
    if (findings.length > 0) throw lintRefusal(findings);

    // 4. promise
    const precertificate = await sign(precertTbs, draft, signers.precertificate);
    const sct = await this.#promise(draft, precertificate, ca);

    // 5. sign
    const finalTbs = draft.tbsFinal(sctListExtension([sct]));
    const again = this.#lint(finalTbs, 'final', ca);
    if (again.length > 0) throw lintRefusal(again);
    if (!equalOctets(loggedTbs(finalTbs), draft.tbsLogged())) {
      throw new Fault('corrupt', 'ca/other-bytes', 'the final certificate is not what the log promised for');
    }
    const leaf = await sign(finalTbs, draft, signers.certificate);

    // 6. verify
    verifyIssuedBy(parseCertificate(leaf), ca.certificate);
    return { chain: [leaf, ...ca.chain.map((certificate) => certificate.der)] };
  }

  /** What is wrong with the clock is the operator's matter. */
  #believeClock(): void {
    try {
      this.#ports.clockTrust.check();
    } catch (cause) {
      throw new Fault(
        'unavailable',
        'ca/time-not-trusted',
        'no certificate is issued while the clock of this authority is not trusted; try again later',
        { cause, retryAfterSeconds: 30 },
      );
    }
  }

  async #signers(ca: IssuingCa): Promise<IssuingSigners> {
    try {
      return await ca.signers();
    } catch (cause) {
      throw cannotSign(cause);
    }
  }

  #draft(
    identity: Identity,
    key: PublicKey,
    ca: IssuingCa,
    signer: Signer,
  ): LeafDraft & { readonly serial: Uint8Array } {
    const random = this.#ports.random(SERIAL_OCTETS);
    // Positive, and never shorter for a leading zero: the record and the certificate show the same octets.
    const serial = Uint8Array.from(random, (octet, at) => (at === 0 ? (octet & 0x3f) | 0x40 : octet));
    const notBeforeMs = Math.floor(this.#ports.clock.nowMs() / 1000) * 1000;
    const draft = draftLeaf({
      serial,
      issuer: ca.certificate,
      signatureAlgorithm: signer.algorithm,
      notBeforeMs,
      notAfterMs: notBeforeMs + VALIDITY_MS,
      spki: key.spki,
      name: { kind: identity.sanType === 'other-name' ? 'username' : identity.sanType, value: identity.san },
      oidcIssuer: identity.issuer,
      extensions: identity.extensions,
      rehearsal: this.#ports.mode === 'rehearsal',
    });
    return { ...draft, serial };
  }

  /** Errors only: what is worth a warning is worth none ten minutes later. */
  #lint(tbs: Uint8Array, phase: 'precertificate' | 'final', ca: IssuingCa): readonly string[] {
    return lintLeaf(tbs, phase, ca.certificate, { mode: this.#ports.mode })
      .filter(({ severity }) => severity === 'error')
      .map(({ id, message }) => `${id}: ${message}`);
  }

  async #promise(draft: LeafDraft, precertificate: Uint8Array, ca: IssuingCa): Promise<Uint8Array> {
    const tbs = draft.tbsLogged();
    const keyHash = issuerKeyHash(ca.certificate);
    try {
      const chain = ca.chain.map((certificate) => certificate.der);
      const sct = await this.#ports.log.promise(tbs, keyHash, precertificate, chain);
      this.#verifyPromise(sct, tbs, keyHash);
      return sct;
    } catch (cause) {
      throw new Fault(
        'unavailable',
        'ca/no-promise',
        'the certificate log made no promise that holds; nothing was issued',
        { cause },
      );
    }
  }

  /** Clients refuse a certificate whose promise does not verify, so we find out before they do. */
  #verifyPromise(serialized: Uint8Array, tbs: Uint8Array, issuerKey: Uint8Array): void {
    const sct = parseSct(serialized);
    const entry = { kind: 'precertificate', issuerKeyHash: issuerKey, tbs } as const;
    let failure: unknown;
    for (const logKey of this.#ports.logKeys) {
      try {
        verifySct(sct, entry, logKey);
        return;
      } catch (error) {
        failure = error;
      }
    }
    if (this.#ports.logKeys.length === 0)
      throw new Fault('corrupt', 'ca/no-log-key', 'no certificate log is configured');
    throw failure;
  }
}

function lintRefusal(findings: readonly string[]): Fault {
  return new Fault(
    'refused',
    'ca/lint',
    `a certificate for this identity would break its profile: ${findings.join('; ')}`,
  );
}

function cannotSign(cause: unknown): Fault {
  return new Fault(
    'unavailable',
    'ca/cannot-sign',
    'the key of the certificate authority cannot be used now',
    { cause },
  );
}

async function sign(tbs: Uint8Array, draft: LeafDraft, signer: Signer): Promise<Uint8Array> {
  try {
    return assembleCertificate(tbs, draft.signatureAlgorithm, await signer.sign(tbs));
  } catch (cause) {
    throw cannotSign(cause);
  }
}

/** Keys as the trust material writes them. */
export function logKeysOf(spkis: readonly Uint8Array[]): readonly PublicKey[] {
  return spkis.map(parsePublicKey);
}
