import type { DataSource, EntityManager } from 'typeorm';
import { parseTufFile } from '#core/tuf';
import type { OnlineFiles, OpenRecord, SigningRecord } from './re-sign-online-roles.js';
import { SignedVersionEntity, type SignedVersion } from './signed-version.entity.js';

/** Any constant that no other advisory lock uses: "tuf-sign" in ASCII. */
const LOCK_KEY = 0x7475662d7369676en;

/** Versions in PostgreSQL; the lock is held by the transaction and goes with it. */
export class PostgresSigningRecord implements SigningRecord {
  readonly #dataSource: DataSource;

  constructor(dataSource: DataSource) {
    this.#dataSource = dataSource;
  }

  exclusively<T>(story: (open: OpenRecord) => Promise<T>): Promise<T> {
    return this.#dataSource.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [LOCK_KEY.toString()]);
      return story({ newest: () => newest(manager), record: (files) => record(manager, files) });
    });
  }
}

async function newest(manager: EntityManager): Promise<OnlineFiles | undefined> {
  const find = async (role: SignedVersion['role']) =>
    manager.findOne(SignedVersionEntity, { where: { role }, order: { version: 'DESC' } });
  const [snapshot, timestamp] = [await find('snapshot'), await find('timestamp')];
  if (snapshot === null || timestamp === null) return undefined;
  return { snapshot: new Uint8Array(snapshot.body), timestamp: new Uint8Array(timestamp.body) };
}

/** A timestamp is signed again far more often than the snapshot it names; what stands already, stays. */
async function record(manager: EntityManager, files: OnlineFiles): Promise<void> {
  for (const role of ['snapshot', 'timestamp'] as const) {
    const { version, expires } = parseTufFile(files[role], role).signed;
    await manager
      .createQueryBuilder()
      .insert()
      .into(SignedVersionEntity)
      .values({ role, version, expiresAt: new Date(expires), body: Buffer.from(files[role]) })
      .orIgnore()
      .execute();
  }
}
