/**
 * One TLS server behind several addresses.
 *
 * The server listens on the first address itself. Every further one is a bare TCP listener that hands its
 * connections to the server (`tls.Server` accepts connections injected as 'connection' events), so that
 * certificate, sessions, limits and shutdown exist once.
 *
 * Stopping: accept no more; close what is idle; let requests under way finish, then close behind them; at
 * the deadline, cut what is left. HTTP/2 sessions say goodbye by themselves when the server closes. HTTP/1.1
 * connections do not (neither Node nor Fastify tells the idle from the busy on this kind of server), so we
 * count their requests.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Fault } from '#core/fault';
import type { Listener } from '#platform';

interface Connection {
  readonly raw: Socket;
  /** HTTP/2 closes itself; before the handshake nothing is known. */
  http2: boolean;
  underWay: number;
}

/** A connection is known by its four ends: the TLS socket and the TCP socket below it agree on them. */
function ends(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort} ${socket.localAddress}:${socket.localPort}`;
}

export class Listeners {
  readonly #main: Server;
  readonly #further: Server[] = [];
  readonly #connections = new Map<string, Connection>();
  #stopping = false;

  /** @param main the TLS server, before it listens */
  constructor(main: Server) {
    this.#main = main;
    main.on('connection', (raw: Socket) => {
      const key = ends(raw);
      this.#connections.set(key, { raw, http2: false, underWay: 0 });
      raw.once('close', () => this.#connections.delete(key));
    });
    main.on('secureConnection', (socket: TLSSocket) => {
      const connection = this.#connections.get(ends(socket));
      if (connection !== undefined) connection.http2 = socket.alpnProtocol === 'h2';
    });
    main.on(
      'request',
      (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => {
        if (request.httpVersionMajor !== 1) return;
        const { socket } = request as IncomingMessage;
        const connection = this.#connections.get(ends(socket));
        if (connection === undefined) return;
        connection.underWay++;
        (response as ServerResponse).once('close', () => {
          connection.underWay--;
          if (this.#stopping && connection.underWay === 0) socket.end();
        });
      },
    );
  }

  /** Binds `listener` as well; with port 0, to a port of the kernel's choice. */
  async bind(listener: Listener): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.#main.emit('connection', socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(cannotListen(listener, cause)));
      server.listen({ host: listener.address, port: listener.port }, resolve);
    });
    this.#further.push(server);
  }

  /** Where the server can be reached, the first address first. */
  addresses(): readonly Listener[] {
    return [this.#main, ...this.#further]
      .map((server) => server.address())
      .filter((address): address is AddressInfo => address !== null && typeof address === 'object')
      .map(({ address, port }) => ({ address, port }));
  }

  /** Runs `drain`, which must close the main server, and cuts what is left after `deadlineMs`. */
  async stop(drain: () => Promise<void>, deadlineMs: number): Promise<void> {
    this.#stopping = true;
    const closed = this.#further.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const connection of this.#connections.values()) {
      if (!connection.http2 && connection.underWay === 0) connection.raw.destroy();
    }
    const timer = setTimeout(() => {
      for (const { raw } of this.#connections.values()) raw.destroy();
    }, deadlineMs);
    try {
      await drain();
      await Promise.all(closed);
    } finally {
      clearTimeout(timer);
    }
  }
}

const IN_THE_WAY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this port needs a privilege that the appliance does not have',
  ENOTFOUND: 'this name has no address',
};

/** A fault that says what is in the way. */
export function cannotListen({ address, port }: Listener, cause: unknown): Fault {
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'unknown reason';
  const why = IN_THE_WAY[code] ?? code;
  return new Fault('unavailable', 'server/cannot-listen', `cannot listen on ${address}:${port}: ${why}`, {
    cause,
  });
}
