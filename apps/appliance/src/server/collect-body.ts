/**
 * How the octets of a request body come together before a door sees them.
 *
 * A body is held in memory whole, so three bounds meet here: the limit of its path, the octets that all bodies
 * under way may hold together (without it a few dozen half-sent entries would fill the machine), and the time from
 * the first octet to the last (HTTP/1.1 has such a deadline in Node, a stream of HTTP/2 has none). The first octets
 * of every body are free, so that whoever fills the rest keeps no small request out.
 */
import type { Readable } from 'node:stream';
import { Fault } from '#core/fault';

/** What every body may hold, however much the others do. */
export const FREE_OCTETS = 64 * 1024;
/** As the whole request over HTTP/1.1 (CONTRACTS §1.1). */
export const BODY_TIMEOUT_MS = 60_000;

/** Octets that all bodies hold together. */
export class BodyAllowance {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get held(): number {
    return this.#held;
  }

  /** What one request takes, until it gives all of it back. */
  share(): BodyShare {
    let taken = 0;
    let open = true;
    return {
      take: (octets) => {
        if (!open || this.#held + octets > this.#most) return false;
        taken += octets;
        this.#held += octets;
        return true;
      },
      giveBack: () => {
        open = false;
        this.#held -= taken;
        taken = 0;
      },
    };
  }
}

export interface BodyShare {
  /** False if that many more would be too many, or all was given back; then nothing is taken. */
  take(octets: number): boolean;
  giveBack(): void;
}

export interface BodyBounds {
  readonly limit: number;
  readonly announced: number | undefined;
  /** Given back here when the body is refused, by the caller when its request has left. */
  readonly share: BodyShare;
  readonly timeoutMs?: number;
}

/** 413 has no kind of fault: the server reads the status, and says it in the shape of the path. */
class TooLarge extends Error {
  readonly statusCode = 413;
}

function busy(): Fault {
  return new Fault('unavailable', 'server/busy', 'too many large requests are under way; retry', {
    retryAfterSeconds: 2,
  });
}

function tooSlow(): Fault {
  return new Fault(
    'malformed',
    'server/too-slow',
    'the body of the request did not arrive in time; send it again',
  );
}

function cutShort(cause?: Error): Fault {
  return new Fault('malformed', 'server/cut-short', 'the request ended before its body did; send it again', {
    cause,
  });
}

/** @throws {Fault} server/busy, server/too-slow, server/cut-short; an error of status 413 */
export function collectBody(stream: Readable, bounds: BodyBounds): Promise<Buffer> {
  const { limit, announced, share, timeoutMs = BODY_TIMEOUT_MS } = bounds;
  return new Promise((resolve, reject) => {
    if (announced !== undefined && announced > limit) {
      reject(new TooLarge());
      return;
    }
    const chunks: Uint8Array[] = [];
    let received = 0;
    let counted = 0;
    let settled = false;

    const stop = (): void => {
      settled = true;
      clearTimeout(timer);
      stream.off('data', take);
      stream.off('end', end);
      stream.off('aborted', abort);
      stream.off('close', abort);
    };
    const refuse = (error: Error): void => {
      if (settled) return;
      stop();
      share.giveBack();
      reject(error);
    };
    const take = (chunk: Uint8Array): void => {
      received += chunk.length;
      if (received > limit) return refuse(new TooLarge());
      const more = Math.max(0, received - FREE_OCTETS) - counted;
      if (more > 0 && !share.take(more)) return refuse(busy());
      counted += more;
      chunks.push(chunk);
    };
    const end = (): void => {
      if (announced !== undefined && announced !== received) return refuse(cutShort());
      stop();
      resolve(Buffer.concat(chunks, received));
    };
    const abort = (): void => refuse(cutShort());
    const timer = setTimeout(() => refuse(tooSlow()), timeoutMs);
    timer.unref();
    stream.on('data', take);
    stream.on('end', end);
    stream.on('aborted', abort);
    stream.on('close', abort);
    // Stays: an error after the verdict must find a listener.
    stream.on('error', (error) => refuse(cutShort(error)));
  });
}
