import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { parsePublicKey } from '#core/crypto';
import {
  formatCheckpoint,
  keyHint,
  logVerifier,
  parseCheckpoint,
  parseNote,
  signNote,
  v2LogId,
  verifyNote,
} from '#core/note';
import { equalOctets, fromUtf8 } from '#core/octets';
import type { HeadSigner } from '#hsm';
import {
  createLogger,
  Metrics,
  migrate,
  systemClock,
  type Clock,
  type HealthProbes,
  type Migration,
} from '#platform';
import { migrations, Trees, type Barrier, type CheckpointFormat } from '#tree';
import { freshDatabase, type FreshDatabase } from './kit.js';

/** One database with the tables of the logs, and any number of replicas on it. */
export interface FreshTrees {
  readonly database: FreshDatabase;
  /** A replica: a pool, files and trees of its own. */
  replica(options?: {
    barrier?: Barrier;
    directory?: string;
    clock?: Clock;
    Client?: new () => pg.ClientBase;
    health?: HealthProbes;
    adoptUnknown?: boolean;
    /** Directory of the socket to reach the database by; its own by default. */
    host?: string;
  }): Promise<Replica>;
  drop(): Promise<void>;
}

export interface Replica {
  readonly trees: Trees;
  readonly pool: pg.Pool;
  readonly directory: string;
  readonly metrics: Metrics;
  close(): Promise<void>;
}

export const quietLogger = createLogger(
  { log: { level: 'fatal' }, mode: 'evaluation' },
  { write: () => undefined },
);

/**
 * @param further migrations beside those of the trees
 * @param own an empty database, where the kit's own cluster will not do
 */
export async function freshTrees(
  further: readonly Migration[] = [],
  own?: FreshDatabase,
): Promise<FreshTrees> {
  const database = own ?? (await freshDatabase());
  await migrate(
    {
      host: database.host,
      port: database.port,
      name: database.name,
      runtimeUser: database.runtimeUser,
      ownerUser: database.ownerUser,
      connections: 4,
    },
    [...migrations, ...further],
    quietLogger,
  );
  const replicas: Replica[] = [];
  return {
    database,
    async replica({ barrier, directory, clock, Client, health, adoptUnknown, host } = {}) {
      const place = directory ?? (await mkdtemp(join(tmpdir(), 'airseal-tree-')));
      const pool = new pg.Pool({
        host: host ?? database.host,
        port: database.port,
        database: database.name,
        user: database.runtimeUser,
        max: 8,
        ...(Client === undefined ? {} : { Client }),
      });
      pool.on('error', () => undefined);
      const metrics = new Metrics(false);
      const trees = new Trees({
        pool,
        directory: place,
        clock: clock ?? systemClock,
        logger: quietLogger,
        metrics,
        ...(barrier === undefined ? {} : { barrier }),
        ...(health === undefined ? {} : { health }),
        ...(adoptUnknown === undefined ? {} : { adoptUnknown }),
      });
      let open = true;
      const replica: Replica = {
        trees,
        pool,
        directory: place,
        metrics,
        async close() {
          if (!open) return;
          open = false;
          await trees.close();
          await pool.end();
        },
      };
      replicas.push(replica);
      return replica;
    },
    async drop() {
      for (const replica of replicas) {
        await replica.close();
        // A tile that was being written when the tree was closed may still arrive.
        await rm(replica.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
      }
      await database.drop();
    },
  };
}

/** Checkpoints as a v2 log writes them. */
export function noteFormat(origin: string, signer: HeadSigner): CheckpointFormat {
  const key = parsePublicKey(signer.spki);
  return {
    memory: signer,
    async sign({ size, root }) {
      const text = formatCheckpoint({ origin, size, root });
      return signNote(text, origin, keyHint(v2LogId(origin, key)), await signer.sign(fromUtf8(text)));
    },
    verify(note, head) {
      const parsed = parseNote(note);
      verifyNote(parsed, [logVerifier(origin, key)]);
      const { size, root } = parseCheckpoint(parsed.text);
      if (size !== head.size || !equalOctets(root, head.root)) throw new Error('another head');
    },
  };
}
