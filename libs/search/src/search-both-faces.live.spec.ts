/** Statements and searches over both faces of a log, on a real database. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrations as auditMigrations, type BoundaryStore } from '#audit';
import { sha256 } from '#core/crypto';
import { readLeaf } from '#core/entry';
import { parseCheckpoint, parseNote } from '#core/note';
import { fromHex, fromUtf8, toBase64, toHex } from '#core/octets';
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
import { freshTrees, type FreshTrees, type Replica } from '../../../test/kit/fresh-trees.js';
import { recorder } from '../../../test/kit/recorder.js';
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
  type SignedEnvelope,
} from '../../../test/kit/signed-statement.js';
import { materialOf, SoftwareHsm } from '../../../test/kit/software-hsm.js';
import {
  type Criteria,
  DepositStatement,
  type Found,
  searchedTrees,
  SearchLogs,
  StatementStore,
} from './index.js';
import { FewAtOnce } from './few-at-once.js';

const MAXIMUM = 20_000;
const checker: EntryChecker = {
  check: async (face, body) => checkEntry(face, body, { maximumStatementBytes: MAXIMUM }),
  lookUps: async (body) => readLookUps(body),
  close: async () => undefined,
};
const ALICE = 'alice@corp.example';
const ISSUER = 'https://id.corp.example';
const alice = certifiedSigner(ALICE, ISSUER);
const mallory = certifiedSigner('mallory@corp.example', ISSUER);
const bob = bareSigner();
const octets = (value: unknown): Uint8Array => fromUtf8(JSON.stringify(value));
const digestOf = (thing: string): string =>
  /"sha256":"([0-9a-f]+)"/.exec(new TextDecoder().decode(statementAbout(thing)))?.[1] ?? '';

let world: FreshTrees;
let replica: Replica;
let v1: V1Log;
let v2: V2Log;
let logs: SearchLogs;
let store: StatementStore;
let deposit: DepositStatement;

beforeAll(async () => {
  world = await freshTrees(auditMigrations);
  replica = await world.replica();
  const hsm = new SoftwareHsm();
  const parts = { ...replica, hsm, material: materialOf(hsm), checker };
  v1 = await openV1Log(parts);
  v2 = await openV2Log(parts);
  const trees = searchedTrees(v1, v2, (host) => `https://${host}:8443`);
  const boundaries: Pick<BoundaryStore, 'boundaries'> = { boundaries: () => Promise.resolve([]) };
  logs = new SearchLogs(trees, boundaries, new FewAtOnce(4, 1000));
  store = new StatementStore(trees, 2, new FewAtOnce(4, 1000));
  deposit = new DepositStatement({
    turns: new FewAtOnce(4, 1000),
    pool: replica.pool,
    trees,
    checker: {
      readDeposit: async (body) => depositFacts(body),
      matchDeposit: async (body, leaves) => matchDeposit(body, leaves),
    },
    record: recorder(),
    clock: systemClock,
    metrics: replica.metrics,
    maximumBytes: MAXIMUM,
    maximumEntries: 3,
  });
});
afterAll(() => world.drop());

const logV1 = (entry: unknown) => v1.append(octets(entry));
const logV2 = (entry: unknown) => v2.shard('v2.log.test').append(octets(entry), new AbortController().signal);
const search = (criteria: Criteria, limit = 100, cursor?: string): Promise<Found> =>
  logs.search({ criteria, limit, cursor });
const places = ({ hits }: Found): string[] =>
  hits.map(({ of, facts }) => `${of.face} ${facts.kind}/${facts.version}`);
/** Each as it is listed, read by itself. */
const envelopes = (pae: string) =>
  store.list(pae).then((all) =>
    Promise.all(
      all.map(async ({ of, listed: { index, length, sha256: hash } }) => {
        const kept = await store.find(pae, { tree: of.tree.name, index });
        const held = new Uint8Array(kept?.kept.octets ?? []);
        expect([held.length, toHex(sha256(held))]).toEqual([length, toHex(hash)]);
        return held;
      }),
    ),
  );
const audited = async (code: string): Promise<number> => {
  const { rows } = await replica.pool.query<{ body: Buffer }>('SELECT body FROM audit_outbox');
  return rows.filter(({ body }) => body.includes(code)).length;
};

describe('a statement', () => {
  test.each([
    ['dsse 0.0.1', (sent: SignedEnvelope) => logV1(asDsseV1(sent)), true],
    ['intoto 0.0.1', (sent: SignedEnvelope) => logV1(asIntotoV1(sent)), true],
    ['intoto 0.0.2', (sent: SignedEnvelope) => logV1(asIntotoV2(sent)), false],
    ['a v2 request that holds it', (sent: SignedEnvelope) => logV2(asDsseV2(sent)), false],
  ] as const)(
    'that came with %s is held from the same moment on, and known when deposited',
    async (kind, log, exact) => {
      const sent = sealed(alice, statementAbout(kind));
      await log(sent);
      const one = await store.find(sent.pae);
      expect(await store.list(sent.pae)).toHaveLength(1);
      const held = new Uint8Array(one?.kept.octets ?? []);
      if (exact) expect(held).toEqual(sent.json);
      expect(depositFacts(held).pae).toBe(sent.pae);
      expect(one?.kept.depositedMs).toBeUndefined();
      const found = await search({ subject: `sha256:${digestOf(kind)}` });
      expect(found.hits).toHaveLength(1);
      expect(found.hits[0]?.statement?.digest).toEqual(Buffer.from(fromHex(sent.pae)));
      // In another spelling than it came.
      await expect(deposit.execute(sent.pae, sent.json)).resolves.toMatchObject({ created: false });
      expect((await store.find(sent.pae))?.kept.octets).toEqual(one?.kept.octets);
    },
  );

  test('that a v2 log saw only the digest of is found by its subject once it is deposited, by any number at once', async () => {
    const sent = sealed(alice, statementAbout('image', 'https://slsa.dev/provenance/v1'));
    const subject = `sha256:${digestOf('image')}`;
    await logV2(asHashedRekordV2(sent));
    const before = await search({ subject, face: 'v2' });
    expect(before.hits).toEqual([]);
    const cover = before.ranges[0]?.coverage;
    expect(cover?.unknown).toBe((cover?.entries ?? 0n) - (cover?.envelopes ?? 0n));

    const events = await audited('log.statement.deposited');
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => deposit.execute(sent.pae, sent.json)),
    );
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(await audited('log.statement.deposited')).toBe(events + 1);
    expect(await envelopes(sent.pae)).toEqual([sent.json]);

    const after = await search({ subject, face: 'v2' });
    expect(places(after)).toEqual(['v2 hashedrekord/0.0.2']);
    const covered = after.ranges[0]?.coverage;
    expect(covered?.held).toBe((cover?.held ?? 0n) + 1n);
    expect(covered?.unknown).toBe((cover?.unknown ?? 0n) - 1n);
    expect(places(await search({ predicate: 'https://SLSA.dev/provenance/v1', identity: ALICE }))).toEqual([
      'v2 hashedrekord/0.0.2',
    ]);
  });

  test('signed with a key of another curve is deposited too: its logged digest is not SHA-256', async () => {
    const carol = certifiedSigner('carol@corp.example', ISSUER, 'ecdsa-p384-sha384');
    const sent = sealed(carol, statementAbout('p384'));
    await logV2(asHashedRekordV2(sent));
    await expect(deposit.execute(sent.pae, sent.json)).resolves.toMatchObject({ created: true });
  });

  test('that nobody logged is refused, and says what to do', async () => {
    const sent = sealed(alice, statementAbout('never logged'));
    await expect(deposit.execute(sent.pae, sent.json)).rejects.toMatchObject({
      kind: 'absent',
      code: 'statement/not-logged',
      message: expect.stringContaining('log the envelope first'),
    });
    await expect(deposit.execute('00'.repeat(32), sent.json)).rejects.toMatchObject({
      code: 'statement/other-pae',
    });
    expect(await store.find(sent.pae)).toBeUndefined();
  });

  test('cannot be put under somebody else’s entry, and the attempt is in the audit trail once', async () => {
    const sent = sealed(alice, statementAbout('target'));
    await logV2(asHashedRekordV2(sent));
    const forged = sealed(mallory, statementAbout('target'));
    const two = JSON.parse(new TextDecoder().decode(sent.json)) as { signatures: unknown[] };
    const padded = octets({ ...two, signatures: [...two.signatures, { sig: toBase64(forged.signature) }] });
    for (const body of [forged.json, padded, forged.json]) {
      await expect(deposit.execute(sent.pae, body)).rejects.toMatchObject({
        kind: 'unverified',
        code: 'statement/other-signature',
      });
    }
    expect(await store.find(sent.pae)).toBeUndefined();
    expect(await audited('log.statement.refused')).toBe(1);
    await expect(deposit.execute(sent.pae, sent.json)).resolves.toMatchObject({ created: true });
  });

  test('of two signers is two entries: each is held for the signatures that were logged', async () => {
    const payload = statementAbout('both signed');
    const [first, second] = [sealed(alice, payload), sealed(mallory, payload)];
    await logV2(asHashedRekordV2(first));
    await expect(deposit.execute(first.pae, first.json)).resolves.toMatchObject({ created: true });
    await logV2(asHashedRekordV2(second));
    await expect(deposit.execute(second.pae, second.json)).resolves.toMatchObject({ created: true });
    const both = octets({
      ...(JSON.parse(new TextDecoder().decode(first.json)) as object),
      signatures: [{ sig: toBase64(first.signature) }, { sig: toBase64(second.signature) }],
    });
    await expect(deposit.execute(first.pae, both)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'statement/conflict',
    });
    expect(await envelopes(first.pae)).toEqual([first.json, second.json]);
  });

  test('that many entries were made of is read for each of them, and for no other', async () => {
    const payload = statementAbout('logged again and again');
    const all = [1, 2, 3].map(() => sealed(alice, payload));
    for (const sent of all) await logV1(asDsseV1(sent));
    const pae = all[0]?.pae ?? '';
    expect(await store.list(pae)).toHaveLength(2);
    const { hits } = await search({ subject: `sha256:${digestOf('logged again and again')}` });
    const read = await Promise.all(
      hits.map(({ of, leaf }) => store.find(pae, { tree: of.tree.name, index: leaf.index })),
    );
    expect(read.map((one) => new Uint8Array(one?.kept.octets ?? []))).toEqual(all.map(({ json }) => json));
    const first = hits[0]?.leaf.index ?? 0n;
    expect((await store.find(pae))?.kept.index).toBe(first);
    expect((await store.find(pae, { index: first }))?.kept.index).toBe(first);
    for (const wanted of [{ index: first - 1n }, { index: 10n ** 19n - 1n }, { tree: 'rekor-v1/never' }])
      expect(await store.find(pae, wanted)).toBeUndefined();
  });

  test('is deposited for no more entries than the settings say', async () => {
    const payload = statementAbout('many');
    const outcomes: string[] = [];
    for (let at = 0; at < 4; at++) {
      const sent = sealed(alice, payload);
      await logV2(asHashedRekordV2(sent));
      outcomes.push(
        await deposit.execute(sent.pae, sent.json).then(
          ({ created }) => (created ? 'kept' : 'known'),
          ({ code }: { code: string }) => code,
        ),
      );
    }
    expect(outcomes).toEqual(['kept', 'kept', 'kept', 'statement/too-many-entries']);
  });

  test('that is too large is logged and not kept; the answer by subject says that one is missing', async () => {
    const subject = [{ name: 'large', digest: { sha256: 'cafe' } }];
    const sent = sealed(
      alice,
      inToto({ subject, predicateType: 'large', predicate: { text: 'x'.repeat(MAXIMUM) } }),
    );
    const missing = async (): Promise<bigint | undefined> =>
      (await search({ predicate: 'large', face: 'v1' })).ranges[0]?.coverage?.missing;
    const before = await missing();
    await logV1(asDsseV1(sent));
    const found = await search({ subject: 'sha256:cafe' });
    expect(found.hits.map(({ statement }) => statement)).toEqual([undefined]);
    expect(await missing()).toBe((before ?? 0n) + 1n);
    await expect(deposit.execute(sent.pae, sent.json)).rejects.toMatchObject({
      kind: 'refused',
      code: 'statement/too-large',
    });
  });

  test('is never changed by the running role', async () => {
    await expect(replica.pool.query("UPDATE log_attachment SET octets = ''")).rejects.toThrow();
    await expect(replica.pool.query('DELETE FROM log_attachment')).rejects.toThrow('permission denied');
    await expect(replica.pool.query('DELETE FROM log_index')).rejects.toThrow('permission denied');
  });
});

describe('a search', () => {
  test('goes over both faces, and each answer states the range and the checkpoint it covers', async () => {
    await logV1(asFileV1(alice, 'a file'));
    await logV2(asFileV2(alice, 'a file'));
    await logV1(asFileV1(bob, 'a file'));
    const digest = readLeaf(checkEntry('v1', octets(asFileV1(bob, 'a file'))).canonical).digests[0] ?? '';
    const found = await search({ digest });
    expect(places(found)).toEqual([
      'v1 hashedrekord/0.0.1',
      'v1 hashedrekord/0.0.1',
      'v2 hashedrekord/0.0.2',
    ]);
    expect(places(await search({ digest, identity: 'ALICE@corp.example', issuer: ISSUER }))).toEqual([
      'v1 hashedrekord/0.0.1',
      'v2 hashedrekord/0.0.2',
    ]);
    const bobsKey = readLeaf(checkEntry('v1', octets(asFileV1(bob, 'x'))).canonical).signers[0]?.spki;
    expect(toHex(bobsKey ?? new Uint8Array())).toBe(toHex(bob.key.spki));
    for (const { size, checkpoint, of } of found.ranges) {
      expect(size).toBe(of.tree.size);
      expect(parseCheckpoint(parseNote(checkpoint ?? '').text).size).toBe(size);
    }
    expect(found.next).toBeUndefined();
  });

  test('finds nothing by the words of a stranger: what it answers is held against the leaf', async () => {
    const digest = readLeaf(checkEntry('v1', octets(asFileV1(bob, 'a file'))).canonical).digests[0] ?? '';
    // Both land in Rekor's own index, as digests of a subject.
    const subject = [
      { name: 'x', digest: { sha256: digest.slice('sha256:'.length) } },
      { name: 'y', digest: { spiffe: '//corp.example/ci' } },
    ];
    await logV1(asDsseV1(sealed(mallory, inToto({ subject, predicateType: 'x' }))));
    expect(await v1.search(['spiffe://corp.example/ci'], 'or')).toHaveLength(1);
    expect((await search({ identity: 'spiffe://corp.example/ci' })).hits).toEqual([]);
    expect((await search({ digest, identity: 'mallory@corp.example' })).hits).toEqual([]);
    expect((await search({ subject: digest, identity: 'mallory@corp.example' })).hits).toHaveLength(1);
  });

  test('by pages stays within the range it began with, whatever is logged meanwhile', async () => {
    for (const at of [1, 2, 3]) await logV1(asFileV1(mallory, `page ${at}`));
    for (const at of [1, 2]) await logV2(asFileV2(mallory, `page ${at}`));
    const criteria: Criteria = { identity: 'mallory@corp.example' };
    const whole = await search(criteria);
    const seen: string[] = [];
    let cursor: string | undefined;
    const key = ({ hits }: Found): string[] => hits.map(({ of, leaf }) => `${of.tree.name} ${leaf.index}`);
    for (let page = 0; page === 0 || cursor !== undefined; page++) {
      const found = await search(criteria, 1, cursor);
      expect(found.hits.length).toBeLessThanOrEqual(1);
      expect(found.ranges.map(({ checkpoint, size }) => [size, checkpoint])).toEqual(
        whole.ranges.map(({ checkpoint, size }) => [size, checkpoint]),
      );
      seen.push(...key(found));
      cursor = found.next;
      if (page === 2) await logV1(asFileV1(mallory, 'meanwhile'));
    }
    expect(seen).toEqual(key(whole));
    expect((await search(criteria)).hits).toHaveLength(whole.hits.length + 1);
    const { next } = await search(criteria, 1);
    for (const wrong of ['x', toBase64(fromUtf8('{}')), next]) {
      await expect(search({ ...criteria, issuer: ISSUER }, 1, wrong)).rejects.toMatchObject({
        code: 'search/cursor',
      });
    }
  });

  test('by time takes the leaves that were stamped in it', async () => {
    const all = await search({ face: 'v1' }, 1000);
    const stamps = all.hits.map(({ leaf }) => Number(leaf.timestampMs));
    expect(stamps).toHaveLength(Number(all.ranges[0]?.size));
    const [from, to] = [stamps[3] ?? 0, stamps.at(-3) ?? 0];
    const some = await search({ face: 'v1', fromMs: from, toMs: to }, 1000);
    expect(some.hits.map(({ leaf }) => leaf.index)).toEqual(
      all.hits.flatMap(({ leaf }) =>
        Number(leaf.timestampMs) >= from && Number(leaf.timestampMs) < to ? [leaf.index] : [],
      ),
    );
    expect((await search({ toMs: 0 })).hits).toEqual([]);
    expect((await search({ fromMs: Date.now() + 1e9 })).hits).toEqual([]);
  });
});
