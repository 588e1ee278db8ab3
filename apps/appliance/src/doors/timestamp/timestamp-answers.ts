/** The timestamp authority's API without Nest: statuses and counts under the names that existing boards know. */
import { formatPem } from '#core/pem';
import type { Metrics } from '#platform';
import type { StampTime } from '#timestamp';
import { timestampRefusal } from './timestamp-refusal.js';
import { readTimestampRequest } from './timestamp-request.js';

const STAMP_PATH = '/api/v1/timestamp';
const CHAIN_PATH = '/api/v1/timestamp/certchain';

export class TimestampAnswers {
  readonly #stampTime: StampTime;
  readonly #count: (path: string, method: string, code: number, seconds: number) => void;

  constructor(stampTime: StampTime, metrics: Metrics) {
    this.#stampTime = stampTime;
    const latency = metrics.histogram(
      'timestamp_authority_api_latency',
      'Seconds until an answer, by path and status',
      ['path', 'code'],
    );
    const requests = metrics.counter(
      'timestamp_authority_http_requests_total',
      'Requests by status, path and method',
      ['code', 'path', 'method'],
    );
    this.#count = (path, method, code, seconds) => {
      latency.observe({ path, code: String(code) }, seconds);
      requests.inc({ code: String(code), path, method });
    };
  }

  /** A TimeStampResp for the request in `body`. */
  stamp(contentType: string | undefined, body: Uint8Array): Promise<Uint8Array> {
    return this.#timed(STAMP_PATH, 'POST', () =>
      this.#stampTime.execute(readTimestampRequest(contentType, body)),
    );
  }

  /** The chain as PEM, leaf first. */
  chain(): Promise<string> {
    return this.#timed(CHAIN_PATH, 'GET', () =>
      this.#stampTime
        .chain()
        .map((der) => formatPem('CERTIFICATE', der))
        .join(''),
    );
  }

  async #timed<T>(path: string, method: string, answer: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    let code = 200;
    try {
      return await answer();
    } catch (error) {
      code = timestampRefusal(error).status;
      throw error;
    } finally {
      this.#count(path, method, code, (performance.now() - started) / 1000);
    }
  }
}
