/**
 * One TLS server behind several addresses.
 *
 * The server listens on the first address itself. Every further one is a bare TCP listener that hands its
 * connections to the server (`tls.Server` accepts connections injected as 'connection' events), so that
 * certificate, sessions, limits and shutdown exist once.
 *
 * Stopping: accept no more; let requests under way finish; at the deadline, cut what is left.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Fault } from '#core/fault';
import type { Listener } from '#platform';

export class Listeners {
  readonly #main: Server;
  readonly #further: Server[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(main: Server) {
    this.#main = main;
    main.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
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

  /** Runs `drain`, which must stop the main server, and cuts what is left after `deadlineMs`. */
  async stop(drain: () => Promise<void>, deadlineMs: number): Promise<void> {
    const closed = this.#further.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, deadlineMs);
    try {
      await drain();
      await Promise.all(closed);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A fault that says what is in the way. */
export function cannotListen({ address, port }: Listener, cause: unknown): Fault {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why =
    {
      EADDRINUSE: 'another process listens there',
      EADDRNOTAVAIL: 'this machine has no such address',
      EACCES: 'not permitted',
    }[code] ?? (cause instanceof Error ? cause.message : 'unknown reason');
  return new Fault('unavailable', 'server/cannot-listen', `cannot listen on ${address}:${port}: ${why}`, {
    cause,
  });
}
