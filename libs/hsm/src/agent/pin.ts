/**
 * The PIN: read from its source when a login needs it, kept nowhere, tried once.
 *
 * Most tokens lock themselves after a few wrong PINs, and everything here restarts by itself; a wrong PIN
 * that were tried with every restart would destroy a token within seconds. So a refused PIN leaves a mark
 * beside the socket, and until its source has changed nobody tries again.
 */
import { fstatSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Fault } from '#core/fault';

const LONGEST_PIN = 256;

export class Pin {
  readonly #source: string;
  readonly #markPath: string;
  /** Only for a descriptor that can be read once. */
  #kept: string | undefined;

  constructor(source: string, markPath: string) {
    this.#source = source;
    this.#markPath = markPath;
  }

  /** @throws {Fault} hsm/pin-source, hsm/pin-refused-before */
  read(): string {
    if (this.#mark() === this.#version()) {
      throw new Fault(
        'refused',
        'hsm/pin-refused-before',
        'the token refused this PIN before and it is not tried again, since tokens lock after a few attempts; correct the PIN source',
      );
    }
    const pin = this.#kept ?? this.#readSource();
    if (pin === '') throw this.#unreadable('is empty');
    return pin;
  }

  /** The token refused it: nobody may try the same again. */
  refused(): void {
    writeFileSync(this.#markPath, this.#version(), { mode: 0o600 });
  }

  accepted(): void {
    rmSync(this.#markPath, { force: true });
  }

  #descriptor(): number | undefined {
    const match = /^fd:(\d+)$/.exec(this.#source);
    return match?.[1] === undefined ? undefined : Number(match[1]);
  }

  #readSource(): string {
    try {
      const descriptor = this.#descriptor();
      if (descriptor === undefined) return readFileSync(this.#source, 'utf8').replace(/\r?\n$/, '');
      const buffer = Buffer.alloc(LONGEST_PIN);
      const seekable = fstatSync(descriptor).isFile();
      const length = readSync(descriptor, buffer, 0, LONGEST_PIN, seekable ? 0 : null);
      const pin = buffer.toString('utf8', 0, length).replace(/\r?\n$/, '');
      buffer.fill(0);
      if (!seekable) this.#kept = pin;
      return pin;
    } catch (cause) {
      throw this.#unreadable('cannot be read by the agent', cause);
    }
  }

  /** What tells one state of the source from another, without saying anything about the PIN. */
  #version(): string {
    try {
      const descriptor = this.#descriptor();
      const about = descriptor === undefined ? statSync(this.#source) : fstatSync(descriptor);
      return `${about.ino} ${about.size} ${about.mtimeMs}`;
    } catch {
      return 'unreadable';
    }
  }

  #mark(): string | undefined {
    try {
      return readFileSync(this.#markPath, 'utf8');
    } catch {
      return undefined;
    }
  }

  #unreadable(what: string, cause?: unknown): Fault {
    return new Fault(
      'unavailable',
      'hsm/pin-source',
      `the PIN source of the token ${what}; check pinSource and its permissions`,
      {
        cause,
      },
    );
  }
}
