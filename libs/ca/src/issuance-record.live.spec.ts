import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { fromUtf8, toHex } from '#core/octets';
import * as audit from '#audit';
import * as tree from '#tree';
import { recorder } from '../../../test/kit/recorder.js';
import { freshDatabase, type FreshDatabase } from '../../../test/kit/index.js';
import { CaIssuance1763700100000, PostgresIssuanceJournal, type IssuanceIntent } from './issuance-record.js';

describe('the record of issuance', () => {
  let database: FreshDatabase;
  let pool: pg.Pool;
  let journal: PostgresIssuanceJournal;

  beforeAll(async () => {
    database = await freshDatabase();
    const { host, port, name } = database;
    const owner = new DataSource({
      type: 'postgres',
      host,
      port,
      database: name,
      username: database.ownerUser,
      migrations: [...tree.migrations, ...audit.migrations, CaIssuance1763700100000],
    });
    await owner.initialize();
    await owner.runMigrations();
    await owner.destroy();
    pool = new pg.Pool({ host, port, database: name, user: database.runtimeUser });
    journal = new PostgresIssuanceJournal(pool, recorder(), { 'https://hidden.example': 'pseudonym' });
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const intent: IssuanceIntent = {
    serial: Uint8Array.of(0x41, 2, 3),
    decision: 'issue',
    identity: {
      issuer: 'https://id.example',
      tokenIssuer: 'https://broker.example',
      subject: 'alice',
      type: 'email',
      sanType: 'email',
      san: 'alice@example.org',
      challengeValues: ['alice'],
      extensions: [],
      claims: { sub: 'alice' },
      expiresAt: 1,
    },
    token: 'head.payload.signature',
    spki: Uint8Array.of(1),
    ca: Uint8Array.of(2),
    draft: Uint8Array.of(0x30, 0),
  };

  test('keeps who, what and why, and of the token only its hash', async () => {
    await journal.record(intent);
    const { rows } = await pool.query<Record<string, unknown>>('SELECT * FROM ca_issuance');
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      issuer: 'https://id.example',
      token_issuer: 'https://broker.example',
      claims: { sub: 'alice' },
    });
    expect(toHex(rows[0]?.['token_sha256'] as Uint8Array)).toBe(toHex(sha256(fromUtf8(intent.token))));
    const { rows: text } = await pool.query<{ all: string }>(
      'SELECT ca_issuance::text AS all FROM ca_issuance',
    );
    expect(text[0]?.all).not.toContain(intent.token);
  });

  async function events(): Promise<Record<string, unknown>[]> {
    const { rows } = await pool.query<{ body: Buffer }>('SELECT body FROM audit_outbox ORDER BY seq');
    return rows.map(({ body }) => JSON.parse(body.toString('utf8')) as Record<string, unknown>);
  }

  test('is an audit event too, of the same statement, without the token', async () => {
    const [event] = await events();
    expect(event).toMatchObject({
      code: 'ca.cert.issued',
      outcome: 'intended',
      cert: { serial: '410203' },
      identity: { san: 'alice@example.org', subject: 'alice' },
    });
    expect(JSON.stringify(event)).not.toContain(intent.token);
  });

  test('names no subject in the trail where policy hides it, and records refusals', async () => {
    const hidden = { ...intent.identity, issuer: 'https://hidden.example' };
    await journal.record({
      ...intent,
      identity: hidden,
      serial: Uint8Array.of(9),
      decision: 'refuse',
      reason: 'lint',
    });
    await journal.denied(
      hidden,
      new Fault('refused', 'ca/key-insecure', 'the public key is insecure: small'),
    );
    const [, refused, denied] = await events();
    expect(refused).toMatchObject({ code: 'ca.cert.lint_failed', outcome: 'failure', reason: 'lint' });
    expect(denied).toMatchObject({ code: 'ca.cert.denied', details: { fault: 'ca/key-insecure' } });
    expect(JSON.stringify([refused, denied])).not.toContain('alice');
  });

  test('writes what is asked for at once together, and fails nobody for another’s row', async () => {
    const before = (await events()).length;
    const serials = Array.from({ length: 40 }, (_, at) => Uint8Array.of(0x50, at));
    const [first = Uint8Array.of()] = serials;
    const results = await Promise.allSettled(
      [...serials, first, intent.serial].map((serial) => journal.record({ ...intent, serial })),
    );
    expect(results.slice(0, 40).map(({ status }) => status)).toEqual(Array(40).fill('fulfilled'));
    for (const refused of results.slice(40)) expect(refused).toMatchObject({ reason: { code: '23505' } });
    const { rows } = await pool.query<{ serial: Buffer; xact: string }>(
      "SELECT serial, xmin::text AS xact FROM ca_issuance WHERE substring(serial FROM 1 FOR 1) = '\\x50' ORDER BY serial",
    );
    expect(rows.map(({ serial }) => toHex(serial))).toEqual(serials.map(toHex));
    expect(new Set(rows.map(({ xact }) => xact)).size).toBeLessThan(40);
    const added = (await events()).slice(before);
    expect(added.map((event) => (event['cert'] as { serial: string }).serial).toSorted()).toEqual(
      serials.map(toHex),
    );
  });

  test('has no second row for one serial number, and no row is ever changed or removed', async () => {
    const before = await events();
    await expect(journal.record(intent)).rejects.toMatchObject({ code: '23505' });
    expect(await events()).toEqual(before);
    for (const statement of [
      "UPDATE ca_issuance SET san = 'x'",
      'DELETE FROM ca_issuance',
      'TRUNCATE ca_issuance',
    ]) {
      await expect(pool.query(statement)).rejects.toMatchObject({ code: '42501' });
    }
  });
});
