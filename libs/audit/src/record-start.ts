/**
 * What is recorded when an appliance starts and stops: that it did, and what has changed since last time.
 *
 * The last known value of each fact stands in the database. It moves in the transaction that records the change, so
 * of replicas that start together one records it, and a crash repeats it or loses nothing.
 */
import type { Pool, PoolClient } from 'pg';
import type { AuditEvent } from './audit-event.js';
import type { RecordEvent } from './record-event.js';

export interface StartingFacts {
  /** Hex SHA-256 of the effective settings. */
  readonly settingsSha256: string;
  /** Hex SHA-256 of the trust material. */
  readonly trustMaterialSha256: string;
  /** Names of all migrations that ran, oldest first. */
  readonly migrations: readonly string[];
}

const NOBODY = '-';

export class RecordStart {
  readonly #pool: Pool;
  readonly #record: RecordEvent;

  constructor(pool: Pool, record: RecordEvent) {
    this.#pool = pool;
    this.#record = record;
  }

  async started(facts: StartingFacts): Promise<void> {
    const { node, version } = this.#record;
    await this.#transact(async (client) => {
      await this.#compare(client, 'trust-material', facts.trustMaterialSha256, (before) => ({
        code: 'trusted_root.changed',
        reason: before === undefined ? 'genesis adopted' : 'another ceremony was adopted',
        resource: changed('trust-material', 'trust-material.json', before, facts.trustMaterialSha256),
      }));
      const known = new Set((await this.#fact(client, 'migrations'))?.split(' '));
      for (const migration of facts.migrations.filter((name) => !known.has(name))) {
        await this.#record.within(client, {
          code: 'appliance.updated',
          reason: 'migration applied',
          resource: { type: 'schema', id: migration },
        });
      }
      await this.#remember(client, 'migrations', facts.migrations.join(' '));
      await this.#compare(client, `build ${node}`, version, (before) => ({
        code: 'appliance.updated',
        resource: {
          type: 'build',
          id: node,
          version,
          ...(before === undefined ? {} : { versionBefore: before }),
        },
      }));
      await this.#compare(client, `settings ${node}`, facts.settingsSha256, (before) => ({
        code: 'config.changed',
        resource: changed('settings', node, before, facts.settingsSha256),
      }));
      const running = await this.#fact(client, `running ${node}`);
      if (running !== undefined && running !== NOBODY) {
        await this.#record.within(client, {
          code: 'service.crashed',
          outcome: 'failure',
          reason: 'the last run did not say that it stopped',
          resource: { type: 'service', id: node, version: running },
        });
      }
      await this.#record.within(client, {
        code: 'service.started',
        resource: { type: 'service', id: node, version },
        details: { settingsSha256: facts.settingsSha256, trustMaterialSha256: facts.trustMaterialSha256 },
      });
      await this.#remember(client, `running ${node}`, version);
    });
  }

  async stopped(): Promise<void> {
    const { node, version } = this.#record;
    await this.#transact(async (client) => {
      await this.#record.within(client, {
        code: 'service.stopped',
        resource: { type: 'service', id: node, version },
      });
      await this.#remember(client, `running ${node}`, NOBODY);
    });
  }

  async #compare(
    client: PoolClient,
    name: string,
    now: string,
    event: (before: string | undefined) => AuditEvent,
  ): Promise<void> {
    const before = await this.#fact(client, name);
    if (before === now) return;
    await this.#record.within(client, event(before));
    await this.#remember(client, name, now);
  }

  async #fact(client: PoolClient, name: string): Promise<string | undefined> {
    const { rows } = await client.query<{ value: string }>('SELECT value FROM audit_fact WHERE name = $1', [
      name,
    ]);
    return rows[0]?.value;
  }

  async #remember(client: PoolClient, name: string, value: string): Promise<void> {
    await client.query(
      `INSERT INTO audit_fact (name, value) VALUES ($1, $2)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [name, value],
    );
  }

  async #transact(work: (client: PoolClient) => Promise<void>): Promise<void> {
    const client = await this.#pool.connect();
    let broken = true;
    try {
      // Replicas that start together take turns.
      await client.query('BEGIN; LOCK TABLE audit_fact IN SHARE ROW EXCLUSIVE MODE');
      await work(client);
      await client.query('COMMIT');
      broken = false;
    } finally {
      client.release(broken);
    }
  }
}

function changed(
  type: string,
  id: string,
  before: string | undefined,
  now: string,
): { type: string; id: string; digestBefore: string | null; digestAfter: string } {
  return { type, id, digestBefore: before ?? null, digestAfter: now };
}
