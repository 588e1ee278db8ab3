/**
 * A PostgreSQL of a spec's own, which it may kill, fill, copy, replicate and promote. On a Unix socket below the
 * kit's directory, by the code that `npm run up` uses.
 */
import { appendFileSync, mkdirSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { run } from '../../apps/bootstrap/src/command.mjs';
import { runningDaemon, stopDaemon } from '../../apps/bootstrap/src/daemons.mjs';
import {
  asPostgres,
  createCluster,
  createDatabase,
  ownerRole,
  postgresEnvironment,
  postgresPort,
  runtimeRole,
  sql,
  startPostgres,
} from '../../apps/bootstrap/src/postgres.mjs';
import { kitPlace } from './engines.mjs';
import { kitDirectory, type FreshDatabase } from './kit.js';

export interface ClusterOptions {
  /** Of the server. `fsync` is off otherwise, since only processes are killed here. */
  readonly settings?: Record<string, string>;
  readonly environment?: Record<string, string>;
}

interface Place {
  readonly directory: string;
  readonly runtime: string;
  readonly daemons: string;
  readonly logs: string;
  readonly disposable: true;
  readonly settings: Record<string, string>;
  readonly environment: Record<string, string>;
}

const DATABASE = 'airseal';

/** A number of its own, also where two workers look at once. */
function newDirectory(clusters: string): string {
  for (let number = readdirSync(clusters).length; ; number++) {
    const root = join(clusters, `${number}`);
    try {
      mkdirSync(root, { mode: 0o711 });
      return root;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

function newPlace({ settings = {}, environment = {} }: ClusterOptions): Place {
  const { clusters } = kitPlace(kitDirectory());
  mkdirSync(clusters, { recursive: true, mode: 0o711 });
  const root = newDirectory(clusters);
  const logs = join(root, 'logs');
  mkdirSync(logs);
  return {
    directory: join(root, 'pg'),
    runtime: root,
    daemons: join(root, 'daemons'),
    logs,
    disposable: true,
    settings: { shared_buffers: '16MB', max_connections: '60', ...settings },
    environment,
  };
}

export class PrivateCluster {
  readonly #place: Place;

  private constructor(place: Place) {
    this.#place = place;
  }

  /** Made, started, and with one empty database that has the two roles. */
  static async start(options: ClusterOptions = {}): Promise<PrivateCluster> {
    const place = newPlace(options);
    await createCluster(place);
    const data = join(place.directory, 'data');
    // A standby reads as whoever the server runs as.
    appendFileSync(join(data, 'pg_hba.conf'), 'local replication all peer map=airseal\n');
    if (userInfo().username === 'root')
      appendFileSync(join(data, 'pg_ident.conf'), 'airseal postgres postgres\n');
    await startPostgres(place);
    await createDatabase(place, DATABASE);
    return new PrivateCluster(place);
  }

  /** Directory of the socket. */
  get host(): string {
    return this.#place.runtime;
  }

  get log(): string {
    return join(this.#place.logs, 'postgres.log');
  }

  get data(): string {
    return join(this.#place.directory, 'data');
  }

  database(): FreshDatabase {
    return {
      host: this.host,
      port: postgresPort,
      name: DATABASE,
      runtimeUser: runtimeRole,
      ownerUser: ownerRole,
      // It goes with its cluster.
      drop: () => Promise.resolve(),
    };
  }

  /** As superuser. */
  sql(statement: string, database = DATABASE): Promise<string> {
    return sql(this.#place, database, statement);
  }

  get running(): boolean {
    return runningDaemon(this.#place.daemons, 'postgres') !== undefined;
  }

  async resume(): Promise<void> {
    await startPostgres(this.#place);
  }

  /** `immediate` is what a power cut is to PostgreSQL: nothing is finished, the next start recovers. */
  async stop(how: 'fast' | 'immediate'): Promise<void> {
    await stopDaemon(this.#place.daemons, 'postgres', how === 'fast' ? 'SIGINT' : 'SIGQUIT', 60_000);
  }

  /** A standby that streams from this cluster, synchronously if so wished. */
  async standby(synchronous: boolean): Promise<PrivateCluster> {
    const place = newPlace({ settings: this.#place.settings });
    mkdirSync(place.directory, { mode: 0o777 });
    const target = join(place.directory, 'data');
    const source = `host=${this.host} port=${postgresPort} user=postgres application_name=standby`;
    const words = ['-D', target, '-d', source, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
    const { program, args } = asPostgres('pg_basebackup', words);
    await run(program, args, { cwd: '/', env: postgresEnvironment() });
    const standby = new PrivateCluster(place);
    await standby.resume();
    if (synchronous) {
      await this.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
      await this.sql('SELECT pg_reload_conf()');
    }
    const state = synchronous ? 'sync' : 'async';
    await this.until(`SELECT sync_state FROM pg_stat_replication`, state);
    return standby;
  }

  /** What it has received stays all it has. */
  async lag(): Promise<void> {
    await this.sql("ALTER SYSTEM SET primary_conninfo = ''");
    await this.sql('SELECT pg_reload_conf()');
    await this.until('SELECT count(*) FROM pg_stat_wal_receiver', '0');
  }

  async promote(): Promise<void> {
    await this.sql('SELECT pg_promote(true, 60)');
    await this.sql("ALTER SYSTEM SET synchronous_standby_names = ''");
    await this.sql('SELECT pg_reload_conf()');
  }

  async until(query: string, answer: string): Promise<void> {
    for (let wait = 0; wait < 300; wait++) {
      if ((await this.sql(query).catch(() => '')) === answer) return;
      await new Promise((wake) => setTimeout(wake, 50));
    }
    throw new Error(`never answered ${answer}: ${query}`);
  }

  /** The database as `pg_dump` writes it, with owners and grants. */
  async dump(): Promise<string> {
    const file = join(this.#place.runtime, `yesterday-${readdirSync(this.#place.runtime).length}.dump`);
    await this.#tool('pg_dump', ['-Fc', '-f', file, '-d', DATABASE]);
    return file;
  }

  /** The database as it was when `file` was dumped, and nothing since. */
  async restore(file: string): Promise<void> {
    await this.sql(`DROP DATABASE ${DATABASE} WITH (FORCE)`, 'postgres');
    await createDatabase(this.#place, DATABASE);
    await this.#tool('pg_restore', ['--exit-on-error', '-d', DATABASE, file]);
  }

  async #tool(name: string, words: readonly string[]): Promise<void> {
    const { program, args } = asPostgres(name, [
      '-h',
      this.host,
      '-p',
      String(postgresPort),
      '-U',
      'postgres',
      ...words,
    ]);
    await run(program, args, { cwd: '/', env: postgresEnvironment() });
  }
}
