/** The index is derived again from the trees: it is equal to what appends and deposits wrote, and every damage is named. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { migrations as auditMigrations } from '#audit';
import { fromUtf8, toHex } from '#core/octets';
import {
  checkEntry,
  depositFacts,
  matchDeposit,
  openV1Log,
  openV2Log,
  readLookUps,
  type EntryChecker,
  type V1Log,
  type V2Log,
} from '#log';
import { systemClock } from '#platform';
import { searchKeyHash, type Tree } from '#tree';
import { freshTrees, type FreshTrees, type Replica } from '../../../../test/kit/fresh-trees.js';
import { asSuperuser } from '../../../../test/kit/index.js';
import { recorder } from '../../../../test/kit/recorder.js';
import {
  asDsseV1,
  asDsseV2,
  asFileV1,
  asFileV2,
  asHashedRekordV2,
  asIntotoV1,
  asIntotoV2,
  bareSigner,
  certifiedSigner,
  inToto,
  sealed,
  statementAbout,
} from '../../../../test/kit/signed-statement.js';
import { materialOf, SoftwareHsm } from '../../../../test/kit/software-hsm.js';
import {
  compareIndex,
  DepositStatement,
  formatPlace,
  type IndexPlace,
  isEqual,
  MendIndex,
  parsePlace,
  searchedTrees,
} from '../index.js';
import { FewAtOnce } from '../few-at-once.js';

const checker: EntryChecker = {
  check: async (face, body) => checkEntry(face, body, { maximumStatementBytes: 100_000 }),
  lookUps: async (body) => readLookUps(body),
  close: async () => undefined,
};
const signers = [certifiedSigner('alice@corp.example', 'https://id.corp.example'), bareSigner()];
const octets = (value: unknown): Uint8Array => fromUtf8(JSON.stringify(value));

let world: FreshTrees;
let replica: Replica;
let v1: V1Log;
let v2: V2Log;
let deposit: DepositStatement;
let owner: pg.Client;

beforeAll(async () => {
  world = await freshTrees(auditMigrations);
  replica = await world.replica();
  const hsm = new SoftwareHsm();
  const parts = { ...replica, hsm, material: materialOf(hsm), checker };
  v1 = await openV1Log(parts);
  v2 = await openV2Log(parts);
  deposit = new DepositStatement({
    turns: new FewAtOnce(4, 1000),
    pool: replica.pool,
    trees: searchedTrees(v1, v2, (host) => `https://${host}`),
    checker: {
      readDeposit: async (body) => depositFacts(body),
      matchDeposit: async (body, leaves) => matchDeposit(body, leaves),
    },
    record: recorder(),
    clock: systemClock,
    metrics: replica.metrics,
    maximumBytes: 100_000,
    maximumEntries: 100,
  });
  const { host, port, name, ownerUser } = world.database;
  owner = new pg.Client({ host, port, database: name, user: ownerUser });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await world.drop();
});

const treeOf = (face: 'v1' | 'v2'): Tree => (face === 'v1' ? v1.active.tree : v2.shard('v2.log.test').tree);
const logV1 = (entry: unknown) => v1.append(octets(entry));
const logV2 = (entry: unknown) => v2.shard('v2.log.test').append(octets(entry), new AbortController().signal);

function compare(
  face: 'v1' | 'v2',
  more: Partial<Parameters<typeof compareIndex>[0]> = {},
): Promise<IndexPlace> {
  const tree = treeOf(face);
  return compareIndex({ pool: replica.pool, shard: tree.shard, head: tree.head(), range: 7n, ...more });
}
const told = ({ named }: IndexPlace) => named.map(({ what, index, key }) => `${what} ${index} ${key}`);

/** Every way to log something about a statement, and what is then deposited. */
const WAYS = [
  async (payload: Uint8Array, at: number) =>
    void (await logV1(asDsseV1(sealed(signers[at % 2] ?? signer(), payload)))),
  async (payload: Uint8Array, at: number) =>
    void (await logV1(asIntotoV1(sealed(signers[at % 2] ?? signer(), payload)))),
  async (payload: Uint8Array, at: number) =>
    void (await logV1(asIntotoV2(sealed(signers[at % 2] ?? signer(), payload)))),
  async (payload: Uint8Array, at: number) =>
    void (await logV2(asDsseV2(sealed(signers[at % 2] ?? signer(), payload)))),
  async (payload: Uint8Array, at: number) => {
    const sent = sealed(signers[at % 2] ?? signer(), payload);
    await logV2(asHashedRekordV2(sent));
    await deposit.execute(sent.pae, sent.json);
  },
  async (payload: Uint8Array, at: number) =>
    void (await logV2(asHashedRekordV2(sealed(signers[at % 2] ?? signer(), payload)))),
  async (payload: Uint8Array, at: number) =>
    void (await logV1(asFileV1(signers[at % 2] ?? signer(), toHex(payload)))),
  async (payload: Uint8Array, at: number) =>
    void (await logV2(asFileV2(signers[at % 2] ?? signer(), toHex(payload)))),
];
function signer() {
  return bareSigner();
}

const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
const statement = fc.record({
  subject: fc.array(
    fc.record({
      name: word,
      digest: fc.dictionary(fc.oneof(fc.constant('sha256'), word), word, { maxKeys: 3 }),
    }),
    { maxLength: 4 },
  ),
  predicateType: word,
});

describe('the index', () => {
  test('is what the trees say, whatever was logged and deposited', async () => {
    const statements = fc.sample(statement, 40);
    for (const [at, one] of statements.entries()) await WAYS[at % WAYS.length]?.(inToto(one), at);
    for (const face of ['v1', 'v2'] as const) {
      const place = await compare(face);
      expect(told(place)).toEqual([]);
      expect(isEqual(place)).toBe(true);
      expect(place.counts.leaves).toBe(Number(treeOf(face).size));
      expect(place.counts.statements).toBeGreaterThan(4);
    }
  });

  test('that lost rows and was given others is named row by row, mended by the owner, and equal again', async () => {
    const tree = treeOf('v1');
    const entry = sealed(
      signers[0] ?? signer(),
      statementAbout('to be damaged', 'https://example.com/damaged'),
    );
    await logV1(asDsseV1(entry));
    const last = tree.size - 1n;
    const hash = (key: string): string => toHex(searchKeyHash(key));
    const predicate = 'Predicate:https://example.com/damaged';
    await asSuperuser(
      world.database,
      `DELETE FROM log_index WHERE shard = ${tree.shard} AND idx = ${last} AND key_hash = '\\x${hash(predicate)}';
       INSERT INTO log_index VALUES ('\\x${hash('victim@corp.example')}', ${tree.shard}, ${last});`,
    );
    const before = await compare('v1');
    expect(isEqual(before)).toBe(false);
    expect(told(before)).toEqual([
      `missing ${last} ${predicate}`,
      `extra ${last} hash ${hash('victim@corp.example')}`,
    ]);

    const mend = new MendIndex(owner, recorder());
    const mended = await compare('v1', { repair: (found) => mend.mend(tree, found) });
    expect(mended.counts.mended).toBe(2);
    expect(told(await compare('v1'))).toEqual([]);
    const { rows } = await replica.pool.query<{ body: Buffer }>('SELECT body FROM audit_outbox');
    const events = rows.filter(({ body }) => body.includes('log.index.mended'));
    expect(events).toHaveLength(1);
  });

  test('of an envelope that is not held is not taken for wrong', async () => {
    const tree = treeOf('v1');
    await logV1(asDsseV1(sealed(signers[0] ?? signer(), statementAbout('lost envelope'))));
    const last = tree.size - 1n;
    await asSuperuser(
      world.database,
      `CREATE TABLE kept AS SELECT * FROM log_attachment WHERE shard = ${tree.shard} AND idx = ${last};
       DELETE FROM log_attachment WHERE shard = ${tree.shard} AND idx = ${last};`,
    );
    const place = await compare('v1');
    expect(place.counts.differences).toMatchObject({ missing: 0, extra: 0, statement: 0 });
    expect(place.counts.differences.unproven).toBeGreaterThan(0);
    expect(isEqual(place)).toBe(true);
    await asSuperuser(world.database, 'INSERT INTO log_attachment TABLE kept; DROP TABLE kept');
    expect(told(await compare('v1'))).toEqual([]);
  });

  test('with a statement under an entry that was not made of it says so', async () => {
    const tree = treeOf('v2');
    await logV2(asFileV2(signers[1] ?? signer(), 'a file'));
    const last = tree.size - 1n;
    const forged = sealed(signers[0] ?? signer(), statementAbout('a file'));
    await asSuperuser(
      world.database,
      `INSERT INTO log_attachment VALUES (${tree.shard}, ${last}, '\\x${forged.pae}', '\\x${toHex(forged.json)}', 1)`,
    );
    const place = await compare('v2');
    expect(told(place)).toEqual([
      `statement ${last} statement ${forged.pae} is not what this entry was made of`,
    ]);
    expect(isEqual(place)).toBe(false);
    await asSuperuser(
      world.database,
      `DELETE FROM log_attachment WHERE shard = ${tree.shard} AND idx = ${last}`,
    );
  });

  test('is compared on from where it was interrupted, to the same end', async () => {
    const stop = new AbortController();
    const head = treeOf('v1').head();
    const first = await compare('v1', { head, signal: stop.signal, reached: () => stop.abort() });
    expect(first.next).toBe(7n);
    const again = parsePlace(JSON.parse(JSON.stringify(formatPlace(first))));
    expect(await compare('v1', { head, from: again })).toEqual(await compare('v1', { head }));
    expect(() => parsePlace({ next: '1' })).toThrow(expect.objectContaining({ code: 'search/place' }));
  });

  test('is not vouched for if the leaves are not those under the checkpoint', async () => {
    const tree = treeOf('v2');
    const head = { size: tree.size, root: new Uint8Array(32) };
    await expect(compare('v2', { head })).rejects.toMatchObject({
      kind: 'corrupt',
      code: 'search/other-tree',
    });
  });
});
