/**
 * Keep-alive TLS connections that ask one thing at a time, HTTP/1.1 over `node:tls`.
 *
 * The load generator shares two processor cores with what it measures. Node's own HTTP client costs about as much
 * for a request as the appliance's door does; this one writes a prepared request and looks for the length of the
 * answer, nothing more.
 */
import { connect } from 'node:tls';

const END_OF_HEAD = Buffer.from('\r\n\r\n');
/** An answer that has not come by then is an error, as it would be for a client. */
const PATIENCE_MS = 30_000;

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} head
 * @property {Buffer} body
 */

/** A request as it goes over the wire. @param {string} method @param {URL} url @param {Record<string, string>} headers @param {Buffer} [body] */
export function requestBytes(method, url, headers, body) {
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`, `host: ${url.host}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`content-length: ${body.length}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return body === undefined ? head : Buffer.concat([head, body]);
}

export class Connection {
  #socket;
  /** @type {Buffer[]} */
  #parts = [];
  #length = 0;
  /** Octets of the whole answer, once its head has been read. */
  #expected = 0;
  /** @type {Omit<Answer, 'body'> & { bodyAt: number } | undefined} */
  #head;
  /** @type {{ resolve: (answer: Answer) => void, reject: (error: Error) => void } | undefined} */
  #asker;
  /** @type {Error | undefined} */
  #broken;

  /** @param {import('node:tls').TLSSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(PATIENCE_MS, () => {
      if (this.#asker !== undefined) this.#fail(new Error(`no answer within ${PATIENCE_MS} ms`));
    });
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** @param {URL} url @param {Buffer} ca @returns {Promise<Connection>} */
  static open(url, ca) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: url.hostname, port: Number(url.port), ca, ALPNProtocols: ['http/1.1'] });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        socket.off('error', reject);
        resolve(new Connection(socket));
      });
    });
  }

  get usable() {
    return this.#broken === undefined;
  }

  /** @param {Buffer} request @returns {Promise<Answer>} */
  ask(request) {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#asker = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close() {
    this.#broken ??= new Error('closed');
    this.#socket.destroy();
  }

  /** @param {Buffer} chunk */
  #take(chunk) {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    if (this.#head === undefined) {
      const whole = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
      this.#parts = [whole];
      const end = whole.indexOf(END_OF_HEAD);
      if (end < 0) return;
      const head = whole.toString('latin1', 0, end);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
      if (length === undefined) {
        this.#fail(new Error(`an answer without a length: ${head.slice(0, 200)}`));
        return;
      }
      this.#head = { status: Number(head.slice(9, 12)), head, bodyAt: end + 4 };
      this.#expected = end + 4 + Number(length);
    }
    if (this.#length < this.#expected) return;
    const whole = this.#parts.length === 1 ? /** @type {Buffer} */ (this.#parts[0]) : Buffer.concat(this.#parts);
    const { status, head, bodyAt } = this.#head;
    const asker = this.#asker;
    this.#parts = [];
    this.#length = 0;
    this.#head = undefined;
    this.#asker = undefined;
    if (/\r\nconnection: *close/i.test(head)) this.close();
    asker?.resolve({ status, head, body: whole.subarray(bodyAt) });
  }

  /** @param {Error} error */
  #fail(error) {
    this.#broken ??= error;
    this.#socket.destroy();
    const asker = this.#asker;
    this.#asker = undefined;
    asker?.reject(error);
  }
}
