/**
 * Stands between an appliance and its database on a Unix socket: can lose what is said, lose what is answered, and
 * lead to another database.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { kitDirectory } from './kit.js';

const PORT = 5432;
/** ReadyForQuery: the database has said all that it has to say. */
const READY = Buffer.from([0x5a, 0x00, 0x00, 0x00, 0x05]);
/** CopyInResponse: it says nothing more before it is given rows. */
const COPY = 0x47;

interface Loss {
  /** Occurs in what is said. */
  readonly said: string;
  /** `question`: the database never hears it; `answer`: it does it, and nobody hears of that. */
  readonly lost: 'question' | 'answer';
}

export class DatabaseProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** For the pool of a replica. */
  readonly host: string;
  #target: string;
  #losses: Loss[] = [];
  /** How many losses have happened. */
  lost = 0;

  private constructor(target: string) {
    this.#target = target;
    const parent = join(kitDirectory(), 'proxies');
    mkdirSync(parent, { recursive: true });
    this.host = mkdtempSync(join(parent, 'p-'));
    this.#server = createServer((client) => this.#attend(client));
  }

  /** @param target directory of the socket behind */
  static async start(target: string): Promise<DatabaseProxy> {
    const proxy = new DatabaseProxy(target);
    await new Promise<void>((listening) =>
      proxy.#server.listen(join(proxy.host, `.s.PGSQL.${PORT}`), () => listening()),
    );
    return proxy;
  }

  /** Each of these happens once, in any order. */
  lose(...losses: readonly Loss[]): void {
    this.#losses.push(...losses);
  }

  /** Every connection is cut; the next ones go there. */
  lead(target: string): void {
    this.#target = target;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
    rmSync(this.host, { recursive: true, force: true });
  }

  #attend(client: Socket): void {
    const database = connect(join(this.#target, `.s.PGSQL.${PORT}`));
    let swallowing = false;
    const cut = (): void => {
      client.destroy();
      database.destroy();
    };
    for (const socket of [client, database]) {
      this.#sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    client.on('data', (chunk) => {
      const loss = this.#losses.find(({ said }) => chunk.includes(said));
      if (loss === undefined) {
        database.write(chunk);
        return;
      }
      this.#losses = this.#losses.filter((other) => other !== loss);
      this.lost += 1;
      if (loss.lost === 'question') cut();
      else {
        swallowing = true;
        database.write(chunk);
      }
    });
    database.on('data', (chunk) => {
      if (!swallowing) client.write(chunk);
      else if (chunk.includes(READY) || chunk[0] === COPY) cut();
    });
  }
}
