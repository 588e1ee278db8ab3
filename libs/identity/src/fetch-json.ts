/**
 * Fetches one JSON document from an issuer, with the issuer's own CA beside the public roots.
 *
 * The answer decides whose signatures we believe, so: TLS 1.2 or newer always (plain http only to this very
 * machine), a redirect may not leave the host, ten seconds for all of it, and one MiB of answer at most.
 */
import { request as httpsRequest } from 'node:https';
import { request as httpRequest } from 'node:http';
import { rootCertificates } from 'node:tls';
import { Fault } from '#core/fault';
import { parseJson, type JsonValue } from '#core/json';

const MAX_BYTES = 1024 * 1024;
const MAX_REDIRECTS = 5;
export const FETCH_TIMEOUT_MS = 10_000;

export interface FetchJson {
  (url: string, trust: FetchTrust): Promise<JsonValue>;
}

export interface FetchTrust {
  /** PEM of additional roots; empty for the public ones alone. */
  readonly caCert: string;
}

function unreachable(url: string, why: string, cause?: unknown): Fault {
  return new Fault(
    'unavailable',
    'identity/issuer-unreachable',
    `the issuer's keys cannot be had from ${url}: ${why}`,
    {
      retryAfterSeconds: 10,
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Uint8Array;
}

function once(url: URL, trust: FetchTrust, signal: AbortSignal): Promise<Answer> {
  const options = {
    method: 'GET',
    headers: { accept: 'application/json', 'user-agent': 'airseal' },
    signal,
    ...(trust.caCert === '' ? {} : { ca: [...rootCertificates, trust.caCert] }),
    minVersion: 'TLSv1.2' as const,
  };
  const make = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise<Answer>((resolve, reject) => {
    const outgoing = make(url, options, (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      response.on('data', (part: Buffer) => {
        length += part.length;
        if (length > MAX_BYTES) response.destroy(new Error('the answer is longer than 1 MiB'));
        else parts.push(part);
      });
      response.on('error', reject);
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          body: Buffer.concat(parts),
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** @throws {Fault} identity/issuer-unreachable */
export async function fetchJson(url: string, trust: FetchTrust): Promise<JsonValue> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const start = new URL(url);
  let current = start;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    if (current.protocol !== 'https:' && !(current.protocol === 'http:' && LOOPBACK.has(current.hostname))) {
      throw unreachable(url, 'only https is trusted');
    }
    let answer: Answer;
    try {
      answer = await once(current, trust, signal);
    } catch (cause) {
      throw unreachable(url, 'no answer; check its name, its certificate and ca-cert', cause);
    }
    if (answer.status >= 300 && answer.status < 400 && answer.location !== undefined) {
      const next = new URL(answer.location, current);
      if (next.host !== start.host) throw unreachable(url, 'it redirects to another host');
      current = next;
      continue;
    }
    if (answer.status !== 200) throw unreachable(url, `it answered ${answer.status}`);
    try {
      return parseJson(answer.body);
    } catch (cause) {
      throw unreachable(url, 'the answer is not JSON', cause);
    }
  }
  throw unreachable(url, 'too many redirects');
}
