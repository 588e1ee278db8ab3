/**
 * HTTP as it stands on the wire: what a test of a byte contract must see, and client libraries tidy away.
 *
 * Requests are written as given (paths are not normalised, headers not invented beyond Host and Connection), and
 * answers keep their status line, the order and spelling of their headers, and their bytes. No answer may take
 * longer than five seconds: no client of ours waits longer for most of these doors.
 */
import { readFileSync } from 'node:fs';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { installation } from '../kit/index.js';

const PATIENCE_MS = 5000;

export interface Question {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface Answer {
  /** The first line, without its end. HTTP/2 has none. */
  readonly statusLine: string;
  readonly status: number;
  /** Names in lower case; those that came twice joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly text: string;
}

let authority: string | undefined;

/** PEM of the authority that vouches for this installation. */
export function trustedAuthority(): string {
  return (authority ??= readFileSync(installation().caFile, 'utf8'));
}

/** One request over HTTP/1.1 on a connection of its own. */
export function ask(origin: string, question: Question): Promise<Answer> {
  const { method = 'GET', path, headers = {}, body = '' } = question;
  const content = Buffer.from(body);
  const { host } = new URL(origin);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...('host' in headers ? [] : [`Host: ${host}`]),
    'Connection: close',
    ...(content.length > 0 || method === 'POST' ? [`Content-Length: ${content.length}`] : []),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return exchange(origin, Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), content]));
}

export function post(
  origin: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return ask(origin, {
    method: 'POST',
    path,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
}

/** A request that announces a body of this length and has sent a little of it: a refusal need not wait for the rest. */
export function announce(origin: string, path: string, length: number): Promise<Answer> {
  const head = `POST ${path} HTTP/1.1\r\nHost: ${new URL(origin).host}\r\nConnection: close\r\nContent-Type: application/json\r\n`;
  return exchange(origin, Buffer.from(`${head}Content-Length: ${length}\r\n\r\n{"padding":"`));
}

/** Sends these bytes and reads until the server closes the connection. */
export function exchange(origin: string, bytes: Uint8Array): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const parts: Buffer[] = [];
    const socket = connectTls({
      host: hostname,
      port: Number(port),
      ca: trustedAuthority(),
      ALPNProtocols: ['http/1.1'],
    });
    const timer = setTimeout(
      () => socket.destroy(new Error(`no whole answer within ${PATIENCE_MS} ms`)),
      PATIENCE_MS,
    );
    const finish = (error?: Error): void => {
      clearTimeout(timer);
      try {
        // A server that has refused a large body may reset the connection behind its answer.
        if (parts.length === 0)
          throw error ?? new Error(`no answer, after ${Math.round(performance.now() - started)} ms`);
        resolve(parseAnswer(Buffer.concat(parts)));
      } catch (cause) {
        reject(error ?? (cause as Error));
      }
    };
    socket.on('secureConnect', () => socket.write(bytes));
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('end', () => socket.end());
    socket.on('error', finish);
    socket.on('close', () => finish());
  });
}

function parseAnswer(bytes: Buffer): Answer {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) throw new Error('the answer has no end of headers');
  const [statusLine = '', ...fields] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    const name = field.slice(0, colon).toLowerCase();
    const value = field.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const rest = bytes.subarray(end + 4);
  const body = headers['transfer-encoding'] === 'chunked' ? joinChunks(rest) : rest;
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  return { statusLine, status, headers, body, text: body.toString() };
}

function joinChunks(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16);
    if (lineEnd === -1 || Number.isNaN(size)) throw new Error('broken chunk');
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

/** One request over HTTP/2 on a session of its own. */
export async function askHttp2(origin: string, question: Question): Promise<Answer> {
  const session = connectHttp2(origin, { ca: trustedAuthority() });
  try {
    return await overHttp2(session, question);
  } finally {
    session.close();
  }
}

export function overHttp2(session: ClientHttp2Session, question: Question): Promise<Answer> {
  const { method = 'GET', path, headers: sent = {}, body = '' } = question;
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    const lowered = Object.fromEntries(
      Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const content = Buffer.from(body);
    const stream = session.request(
      { ':method': method, ':path': path, ...lowered },
      { endStream: content.length === 0 },
    );
    stream.setTimeout(PATIENCE_MS, () =>
      stream.destroy(new Error(`no whole answer within ${PATIENCE_MS} ms`)),
    );
    const parts: Buffer[] = [];
    let received: Record<string, string> = {};
    stream.on('response', (fields) => {
      received = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
    });
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', reject);
    stream.on('end', () => {
      const whole = Buffer.concat(parts);
      const status = Number(received[':status']);
      resolve({ statusLine: '', status, headers: received, body: whole, text: whole.toString() });
    });
    if (content.length > 0) stream.end(content);
  });
}
