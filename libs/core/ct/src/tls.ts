/** The TLS presentation language as far as RFC 6962 needs it (RFC 5246 §4): vectors with a length before them. */
import { Fault } from '#core/fault';
import { bigEndian, concat, fromBigEndian } from '#core/octets';

/** `opaque content<0..2^(8·width)-1>`. */
export function vector(width: 2 | 3, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content);
  return concat(bigEndian(body.length, width), body);
}

/** A cursor that refuses to read past the end, and callers must end with `finish()`. */
export class TlsReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) {
      throw new Fault('malformed', 'ct/truncated', 'a certificate-transparency structure is cut off');
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  number(width: number): bigint {
    return fromBigEndian(this.take(width));
  }

  vector(width: 2 | 3): Uint8Array {
    return this.take(Number(this.number(width)));
  }

  finish(): void {
    if (!this.atEnd)
      throw new Fault(
        'malformed',
        'ct/trailing',
        'octets follow the end of a certificate-transparency structure',
      );
  }
}
