/**
 * The letters between a process and the agent of a token.
 *
 *   u32 length of what follows | u32 number of the request | u8 kind | body
 *
 * `call` and `answer` carry JSON; `sign` carries the key's name and the message, `signature` the octets, so
 * that the hot path neither parses JSON nor spells bytes in base64. `signHead` is `sign` for messages that are heads
 * of logs, and for nothing else. `fault` carries a Fault as JSON.
 */
import { Fault, type FaultKind, HTTP_STATUS } from '#core/fault';
import { PURPOSE_NUMBERS, purposeNumbered, type Purpose } from './purpose.js';

export const FRAME = { call: 1, sign: 2, answer: 3, signature: 4, fault: 5, signHead: 6 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

export interface Frame {
  readonly id: number;
  readonly kind: FrameKind;
  readonly body: Buffer;
}

/** A message to be signed is a certificate, a checkpoint or a metadata file; none comes near this. */
export const MAX_FRAME_BYTES = 8 * 1024 * 1024;

const HEADER_BYTES = 9;

export function formatFrame(id: number, kind: FrameKind, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame.writeUInt32BE(5 + body.length, 0);
  frame.writeUInt32BE(id, 4);
  frame.writeUInt8(kind, 8);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/** Cuts a stream of octets into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws {Fault} hsm/frame: what follows cannot be trusted, the connection must be closed */
  *read(chunk: Buffer): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 4) {
      const length = this.#rest.readUInt32BE(0);
      if (length < 5 || length > MAX_FRAME_BYTES) {
        throw new Fault(
          'malformed',
          'hsm/frame',
          'the other side of the agent socket speaks another protocol',
        );
      }
      if (this.#rest.length < 4 + length) return;
      const kind = this.#rest.readUInt8(8) as FrameKind;
      const body = this.#rest.subarray(HEADER_BYTES, 4 + length);
      const id = this.#rest.readUInt32BE(4);
      this.#rest = this.#rest.subarray(4 + length);
      yield { id, kind, body };
    }
  }
}

/** Gathers what is written in one turn of the event loop into one system call. */
export class FrameWriter {
  readonly #write: (bytes: Buffer) => void;
  #waiting: Buffer[] = [];

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  send(id: number, kind: FrameKind, body: Uint8Array): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push(formatFrame(id, kind, body));
  }

  #flush(): void {
    const [only] = this.#waiting;
    const bytes = this.#waiting.length === 1 && only !== undefined ? only : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#write(bytes);
  }
}

const DIGEST_BYTES = 32;

const HEAD_BYTES = 3;

/** Body of a `sign` frame: u8 purpose, u16 length of the URI, the URI, SHA-256 of the public key, the message. */
export function formatSignBody(uri: string, key: Uint8Array, purpose: Purpose, message: Uint8Array): Buffer {
  const name = Buffer.from(uri, 'utf8');
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt8(PURPOSE_NUMBERS[purpose]);
  head.writeUInt16BE(name.length, 1);
  return Buffer.concat([head, name, key, message]);
}

export interface SignBody {
  readonly uri: string;
  readonly key: Buffer;
  readonly purpose: Purpose;
  readonly message: Buffer;
}

/** @throws {Fault} hsm/frame */
export function parseSignBody(body: Buffer): SignBody {
  const end = body.length < HEAD_BYTES ? Number.POSITIVE_INFINITY : HEAD_BYTES + body.readUInt16BE(1);
  if (end + DIGEST_BYTES > body.length)
    throw new Fault('malformed', 'hsm/frame', 'a request to sign is cut short');
  const purpose = purposeNumbered(body.readUInt8());
  if (purpose === undefined)
    throw new Fault('malformed', 'hsm/frame', 'a request to sign names a purpose that is unknown here');
  return {
    uri: body.toString('utf8', HEAD_BYTES, end),
    key: body.subarray(end, end + DIGEST_BYTES),
    purpose,
    message: body.subarray(end + DIGEST_BYTES),
  };
}

interface FaultLetter {
  readonly kind: FaultKind;
  readonly code: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
  readonly retryAfterSeconds?: number;
}

export function formatFaultBody(fault: Fault): Buffer {
  const { kind, code, message, detail, retryAfterSeconds } = fault;
  const letter: FaultLetter = {
    kind,
    code,
    message,
    detail,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  return Buffer.from(JSON.stringify(letter));
}

/** @throws {Fault} hsm/frame */
export function parseFaultBody(body: Buffer): Fault {
  let letter: Partial<FaultLetter> | null;
  try {
    letter = JSON.parse(body.toString('utf8')) as typeof letter;
  } catch (cause) {
    throw unreadable(cause);
  }
  const { kind, code, message, ...options } = letter ?? {};
  if (typeof kind !== 'string' || !Object.hasOwn(HTTP_STATUS, kind)) throw unreadable();
  if (typeof code !== 'string' || typeof message !== 'string') throw unreadable();
  return new Fault(kind, code, message, options);
}

function unreadable(cause?: unknown): Fault {
  return new Fault('malformed', 'hsm/frame', 'the agent refused in words that cannot be read', { cause });
}
