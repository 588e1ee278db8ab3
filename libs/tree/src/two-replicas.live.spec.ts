/**
 * Replicas side by side on one database and one token, at the moments at which one overtakes the other.
 *
 * A head that was read a moment ago may have been outgrown by the time it is announced or signed. That is no rollback,
 * and must not look like one: neither to those who wait for an answer, nor in what is told of refused signatures.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { leafHash, verifyConsistency, verifyInclusion } from '#core/merkle';
import { fromUtf8 } from '#core/octets';
import pg from 'pg';
import { Hsm, type HeadSigner, type TokenSettings } from '#hsm';
import type { Tree } from '#tree';
import { asSuperuser, freshToken } from '../../../test/kit/index.js';
import { freshTrees, noteFormat, type FreshTrees } from '../../../test/kit/fresh-trees.js';

const uri = 'pkcs11:token=airseal-online;object=log';
let place: string;
let token: TokenSettings;
let world: FreshTrees;
let refused: string[];
const opened: Hsm[] = [];

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'two-'));
  mkdirSync(join(place, 'run'));
  token = await freshToken('airseal-online');
  world = await freshTrees();
  refused = [];
  await (await host()).generate('online', { label: 'log', algorithm: 'ecdsa-p256-sha256' });
});

afterEach(async () => {
  await world.drop();
  await Promise.all(opened.splice(0).map((hsm) => hsm.close()));
  await endAgent();
  rmSync(place, { recursive: true, force: true });
});

async function host(): Promise<Hsm> {
  const hsm = await Hsm.open({
    tokens: { online: token },
    runtimeDir: join(place, 'run'),
    journalDir: join(place, 'journal'),
  });
  hsm.whenRefused((_key, fault) => refused.push(fault.code));
  opened.push(hsm);
  return hsm;
}

async function endAgent(): Promise<void> {
  const lines = readFileSync(join(place, 'run', 'hsm-online.sock.log'), 'utf8')
    .trim()
    .split('\n');
  const { pid } = JSON.parse(lines.findLast((line) => line.startsWith('{')) ?? '{}') as { pid: number };
  try {
    process.kill(pid, 'SIGKILL');
    for (let wait = 0; wait < 300; wait++) {
      process.kill(pid, 0);
      await sleep(10);
    }
  } catch {
    // It has gone.
  }
}

/** A replica whose signer is `change`d: to let others overtake it at a moment that is ours to choose. */
async function replica({
  change = (signer) => signer,
  ...how
}: { change?: (signer: HeadSigner) => HeadSigner } & Parameters<
  FreshTrees['replica']
>[0] = {}): Promise<Tree> {
  const signer = change(await (await host()).headSigner(uri, 'log.test'));
  const { trees } = await world.replica(how);
  return await trees.open({ name: 'test/a', origin: 'log.test', format: noteFormat('log.test', signer) });
}

function grow(tree: Tree, from: number, to: number, word = 'leaf') {
  return Promise.all(
    Array.from({ length: to - from }, (_, at) =>
      tree.append({ body: fromUtf8(`${word} ${from + at}`), kind: 'test/1' }),
    ),
  );
}

const newestSigned = () => asSuperuser(world.database, 'SELECT max(size) FROM log_checkpoint');

test('a head that is outgrown before it is announced is read again, and no rollback is called', async () => {
  const left = await replica();
  await grow(left, 0, 5);
  let outgrown = 0;
  const right = await replica({
    change: (signer) => ({
      ...signer,
      announce: async (head) => {
        // `head` has been read from the database; before the agent hears of it, the other replica signs a larger one.
        if (outgrown++ === 0) await grow(left, 5, 9);
        return await signer.announce(head);
      },
    }),
  });
  expect(outgrown).toBeGreaterThan(1);
  expect(right.quarantine).toBeUndefined();
  const [next] = await grow(right, 9, 10);
  expect(next?.index).toBe(9n);
  expect(left.quarantine).toBeUndefined();
  expect(refused).toEqual([]);
});

test('a head that is outgrown again and again while it is announced is announced in the end', async () => {
  const left = await replica();
  await grow(left, 0, 1);
  let asked = 0;
  const right = await replica({
    change: (signer) => ({
      ...signer,
      announce: async (head) => {
        if (asked++ < 5) await grow(left, asked, asked + 1);
        return await signer.announce(head);
      },
    }),
  });
  expect(asked).toBeGreaterThan(5);
  expect(right.quarantine).toBeUndefined();
});

test('a head that is outgrown after the agent was lost is not called a rollback either', async () => {
  const left = await replica();
  let overtake = false;
  const right = await replica({
    change: (signer) => ({
      ...signer,
      announce: async (head) => {
        if (overtake) {
          overtake = false;
          await grow(left, 5, 9, 'left');
        }
        return await signer.announce(head);
      },
    }),
  });
  await grow(right, 0, 5, 'right');
  // The next agent knows of no announcement: the one that is made to it comes too late by four leaves.
  await endAgent();
  overtake = true;
  await grow(right, 5, 6, 'right');
  expect(overtake).toBe(false);
  expect(right.quarantine).toBeUndefined();
  expect(left.quarantine).toBeUndefined();
  expect(await newestSigned()).toBe('10');
  expect(refused).toEqual([]);
});

/** Two replicas of a tree of five leaves; when `race` is due, the other one appends four while the token is asked. */
async function overtakenAtTheToken() {
  const left = await replica();
  const race = { due: false };
  const right = await replica({
    change: (signer) => ({
      ...signer,
      sign: async (message) => {
        if (race.due) {
          race.due = false;
          await grow(left, 5, 9, 'left');
        }
        return await signer.sign(message);
      },
    }),
  });
  await grow(right, 0, 5, 'right');
  return { right, race };
}

test('a head that is outgrown before it is signed is covered by the larger one, and nobody is told of a refusal', async () => {
  const { right, race } = await overtakenAtTheToken();
  race.due = true;
  const [mine] = await grow(right, 5, 6, 'right');
  expect(race.due).toBe(false);
  expect(mine?.head.size).toBe(10n);
  expect(right.quarantine).toBeUndefined();
  expect(await newestSigned()).toBe('10');
  expect(refused).toEqual([]);
});

test('a renewal that is overtaken answers the larger checkpoint', async () => {
  const { right, race } = await overtakenAtTheToken();
  race.due = true;
  expect((await right.renew()).size).toBe(9n);
  // Also when it is known before: what the database has now is renewed, not what this replica committed last.
  expect((await right.renew()).size).toBe(9n);
  expect(right.quarantine).toBeUndefined();
  expect(refused).toEqual([]);
});

test('files that another replica publishes while a tree is opened are not taken for a later tree', async () => {
  const directory = join(place, 'tiles');
  const left = await replica({ directory });
  await grow(left, 0, 5);
  let grown = false;
  class SlowClient extends pg.Client {
    override query(...words: never[]): never {
      const answer = (super.query as (...all: never[]) => unknown)(...words);
      const [text] = words as readonly unknown[];
      if (grown || typeof text !== 'string' || !text.includes('FROM log_checkpoint')) return answer as never;
      grown = true;
      // The snapshot has been taken; before it is used, the other replica publishes a larger tree.
      return (answer as Promise<unknown>).then(async (rows) => {
        await grow(left, 5, 9);
        return rows;
      }) as never;
    }
  }
  const right = await replica({ directory, Client: SlowClient });
  expect(grown).toBe(true);
  expect(right.quarantine).toBeUndefined();
  const [next] = await grow(right, 9, 10);
  expect(next?.index).toBe(9n);
});

test('a temporary file that another replica takes away while a tree is opened stops nothing', async () => {
  const directory = join(place, 'tiles');
  mkdirSync(join(directory, 'test/a/tmp'), { recursive: true });
  // Listed, and not there any more when it is looked at.
  symlinkSync(join(directory, 'nowhere'), join(directory, 'test/a/tmp', 'taken-away'));
  await grow(await replica({ directory }), 0, 1);
});

test('under load of both, each leaf has one place, each answer a proof, and nothing is refused', async () => {
  const [left, right] = [await replica(), await replica()];
  const answers = [];
  for (let round = 0; round < 20; round++) {
    const [one, other] = await Promise.all([
      grow(left, round * 8, round * 8 + 8, 'left'),
      grow(right, round * 8, round * 8 + 8, 'right'),
    ]);
    answers.push(...one, ...other);
  }
  expect(new Set(answers.map(({ index }) => index)).size).toBe(320);
  for (const { index, head, proof, leafHash: hash } of answers) verifyInclusion(hash, index, proof, head);
  await left.look();
  const newest = left.head();
  expect(newest.size).toBe(320n);
  const heads = new Map(answers.map(({ head }) => [head.size, head]));
  for (const head of heads.values())
    verifyConsistency(head, newest, await left.consistency(head.size, newest.size));
  expect(await right.findByHash(leafHash(fromUtf8('left 0')))).toBeDefined();
  expect(refused).toEqual([]);
});
