import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { draftSnapshot, draftTimestamp, formatTufFile, parseTufFile } from '#core/tuf';
import { fromUtf8 } from '#core/octets';
import { createLogger, dataSource, migrate, type DatabaseSettings } from '#platform';
import { freshDatabase, type FreshDatabase } from '../../../test/kit/kit.js';
import { entities, migrations, PostgresSigningRecord, type OnlineFiles } from './index.js';

const logger = createLogger({ mode: 'evaluation', log: { level: 'fatal' } });

/** Unsigned, which the record does not mind. */
function files(version: number): OnlineFiles {
  const body = fromUtf8('{}');
  const snapshot = formatTufFile({
    signed: draftSnapshot(1, '2027-01-01T00:00:00Z', 1, body),
    signatures: [],
  });
  const timestamp = formatTufFile({
    signed: draftTimestamp(version, '2027-01-01T00:00:00Z', 1, snapshot),
    signatures: [],
  });
  return { snapshot, timestamp };
}

describe('the record of signed versions', () => {
  let database: FreshDatabase;
  let source: DataSource;

  beforeAll(async () => {
    database = await freshDatabase();
    const settings: DatabaseSettings = { ...database, connections: 4 };
    await migrate(settings, migrations, logger);
    source = await dataSource(settings, 'runtime', { entities }).initialize();
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  const newest = () => new PostgresSigningRecord(source).exclusively((open) => open.newest());

  test('is empty at first, then gives back the newest pair, byte for byte', async () => {
    const record = new PostgresSigningRecord(source);
    expect(await newest()).toBeUndefined();
    await record.exclusively((open) => open.record(files(9)));
    await record.exclusively((open) => open.record(files(10)));
    expect(await newest()).toEqual(files(10));
  });

  test('keeps nothing of a story that failed', async () => {
    const record = new PostgresSigningRecord(source);
    const story = record.exclusively(async (open) => {
      await open.record(files(11));
      throw new Error('token removed');
    });
    await expect(story).rejects.toThrow('token removed');
    expect(await newest()).toEqual(files(10));
  });

  test('lets one replica sign at a time', async () => {
    const next = () =>
      new PostgresSigningRecord(source).exclusively(async (open) => {
        const standing = await open.newest();
        const version =
          standing === undefined ? 0 : parseTufFile(standing.timestamp, 'timestamp').signed.version;
        await open.record(files(version + 1));
        return version + 1;
      });
    expect((await Promise.all([next(), next(), next()])).toSorted((a, b) => a - b)).toEqual([11, 12, 13]);
  });

  test('cannot be changed by the running appliance', async () => {
    await expect(source.query(`UPDATE tuf_signed_version SET body = ''`)).rejects.toThrow(
      'permission denied',
    );
    await expect(source.query('DELETE FROM tuf_signed_version')).rejects.toThrow('permission denied');
  });
});
