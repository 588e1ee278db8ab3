/**
 * How a timestamp comes to be.
 *
 *   1. admit    the request asks for what this authority does; the request itself has been read before
 *   2. believe  the clock is trusted *now*. A token says "this existed at", and nobody can take it back, so a
 *               doubtful clock gets an answer without a token (timeNotAvailable), never a guess
 *   3. draft    genTime from the clock that was just believed, never before the token before it; the serial number
 *               from the random source
 *   4. sign     once, by the key in the token; the signer has verified its own signature
 *   5. record   the token is in the ledger, durably, *before* anyone sees it: a token outside of the ledger is
 *               then proof that the key was used behind our back
 *
 * A fault at any step abandons the stamp; its serial number is never used again.
 */
import { admitTimestampRequest, draftToken, formatFailure, type TimestampRequest } from '#core/timestamp';
import { Fault, isFault } from '#core/fault';
import type { Clock } from '#platform';
import { authorityInForce, type TimestampAuthority } from './timestamp-authority.js';

/** Whether the time may be put into a signature. */
export interface TrustedClock {
  /** @throws {Fault} if it may not */
  check(): void;
}

/** Where every token is written down before it leaves. */
export interface TimestampLedger {
  /** Resolves once `response` (a whole TimeStampResp) is durable. */
  record(response: Uint8Array): Promise<void>;
}

export interface StampTimePorts {
  readonly authorities: readonly TimestampAuthority[];
  readonly clock: Clock;
  readonly clockTrust: TrustedClock;
  readonly ledger: TimestampLedger;
  /** Octets from a cryptographic random source. */
  readonly random: (length: number) => Uint8Array;
  /** Policies that tokens may be issued under; the first is the default. */
  readonly policies: readonly [string, ...string[]];
  /** Told of every stamp that was withheld because of the clock. */
  readonly clockDoubted?: (reason: string) => void;
}

/** Stamps requests with the time. */
export class StampTime {
  readonly #ports: StampTimePorts;
  #newestMs = 0;

  constructor(ports: StampTimePorts) {
    this.#ports = ports;
  }

  /**
   * Resolves to a TimeStampResp, DER: with a token, or with timeNotAvailable while the clock is not trusted.
   *
   * @throws {Fault} timestamp/policy, timestamp/extension, timestamp/none-in-force; hsm/…, tree/…
   */
  async execute(request: TimestampRequest): Promise<Uint8Array> {
    const { clock, clockTrust, ledger, random, policies } = this.#ports;
    const policy = admitTimestampRequest(request, policies);

    const doubt = whyNot(clockTrust);
    if (doubt !== undefined) {
      this.#ports.clockDoubted?.(doubt);
      return formatFailure(
        'rejection',
        'timeNotAvailable',
        'the clock of this authority is not trusted at the moment',
      );
    }

    // A clock that is slewed back by less than anybody doubts it still makes no token that precedes another.
    const genTimeMs = (this.#newestMs = Math.max(this.#newestMs, clock.nowMs()));
    const authority = authorityInForce(this.#ports.authorities, genTimeMs);
    const signer = await authority.signer();
    const draft = draftToken({
      request,
      serial: random(20),
      genTimeMs,
      policy,
      leafCertificate: authority.leaf,
      signatureAlgorithm: signer.algorithm,
    });
    const response = draft.assemble(await signer.sign(draft.signedAttributes));
    await ledger.record(response).catch((error: unknown) => {
      signer.abandoned?.();
      throw error;
    });
    return response;
  }

  /** Certificates of the authority in force: leaf first, root last, DER. @throws {Fault} timestamp/none-in-force */
  chain(): Uint8Array[] {
    return authorityInForce(this.#ports.authorities, this.#ports.clock.nowMs()).chain.map(({ der }) => der);
  }

  /** Days until the first certificate of the authority in force ends; 0 when none is in force. */
  daysLeft(): number {
    const nowMs = this.#ports.clock.nowMs();
    try {
      return (authorityInForce(this.#ports.authorities, nowMs).validUntilMs - nowMs) / 86_400_000;
    } catch (error) {
      if (error instanceof Fault) return 0;
      throw error;
    }
  }
}

function whyNot(clockTrust: TrustedClock): string | undefined {
  try {
    clockTrust.check();
    return undefined;
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
}
