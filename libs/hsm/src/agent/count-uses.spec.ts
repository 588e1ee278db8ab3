import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isFault } from '#core/fault';
import { toHex } from '#core/octets';
import type { Purpose } from '../purpose.js';
import { BLOCK, type CountPorts, CountUses, type KeptCounts } from './count-uses.js';
import type { Disk } from './disk.js';
import type { TokenKey } from './key.js';

type Outcome = { readonly how: 'fails' | 'dies'; readonly kept: number };

/** One file in memory, and what becomes of the next thing that is written to it. */
class BadDisk implements Disk {
  content: Buffer | undefined;
  next: Outcome | undefined;
  dead = false;
  writes = 0;

  read(): Promise<Buffer | undefined> {
    return Promise.resolve(this.content);
  }

  async replace(_path: string, content: Uint8Array): Promise<void> {
    const outcome = await this.#outcome();
    // Under its name a file is the old one or the new one.
    if (outcome === undefined || outcome.kept === 1) this.content = Buffer.from(content);
    this.#endure(outcome);
  }

  async writeAt(_path: string, position: number, bytes: Uint8Array): Promise<void> {
    const outcome = await this.#outcome();
    const kept = outcome === undefined ? bytes.length : Math.round(bytes.length * outcome.kept);
    if (this.content === undefined || this.content.length < position) throw new Error('a hole');
    this.content = Buffer.concat([this.content.subarray(0, position), bytes.subarray(0, kept)]);
    this.#endure(outcome);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #outcome(): Promise<Outcome | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.dead) throw new Error('dead');
    this.writes += 1;
    const outcome = this.next;
    this.next = undefined;
    return outcome;
  }

  #endure(outcome: Outcome | undefined): void {
    if (outcome?.how === 'dies') this.dead = true;
    if (outcome !== undefined) throw new Error('EIO');
  }
}

const digest = new Uint8Array(32).fill(7);
const PURPOSE: Purpose = 'sct';
const pair = `${toHex(digest)} ${PURPOSE}`;
const keyNow = (): TokenKey => ({ digest, label: 'ct-2026-1' }) as unknown as TokenKey;

function agent(
  disk: Disk,
  parts: Partial<CountPorts> & { kept?: readonly KeptCounts[] } = {},
): { counts: CountUses; open: () => Promise<void> } {
  const counts = new CountUses({
    disk,
    directory: '/journal/online',
    signedBefore: () => Promise.resolve(false),
    now: () => new Date(0),
    log: () => undefined,
    host: 'h1',
    ...parts,
  });
  return { counts, open: () => counts.open(() => parts.kept ?? []) };
}

async function use(counts: CountUses, key: TokenKey, times = 1, purpose = PURPOSE): Promise<void> {
  for (let at = 0; at < times; at++)
    if (counts.takeAtOnce(key, purpose) === undefined) await counts.take(key, purpose);
}

function said(counts: CountUses, purpose = PURPOSE): { counted: number; uncertain: number } {
  const found = counts.report().uses.find((one) => one.purpose === purpose);
  return { counted: Number(found?.counted ?? 0n), uncertain: Number(found?.uncertain ?? 0n) };
}

test('an agent that ends in order leaves exact figures', async () => {
  const disk = new BadDisk();
  const first = agent(disk);
  await first.open();
  await use(first.counts, keyNow(), 1000);
  const key = keyNow();
  await use(first.counts, key, 1, 'tree-head');
  // Both are being written when the agent ends.
  first.counts.abandoned(key, PURPOSE);
  await new Promise((resolve) => setImmediate(resolve));
  first.counts.abandoned(key, 'tree-head');
  const ending = first.counts.end();
  await expect(use(first.counts, keyNow())).rejects.toMatchObject({ code: 'hsm/closed' });
  await ending;
  const second = agent(disk);
  await second.open();
  expect(said(second.counts)).toEqual({ counted: 1000, uncertain: 0 });
  expect(said(second.counts, 'tree-head')).toEqual({ counted: 1, uncertain: 0 });
  expect(second.counts.report().uses.map(({ adrift }) => adrift)).toEqual([1n, 1n]);
  expect(second.counts.report().counter).toBe(first.counts.report().counter);
});

test('a use waits for a line that allows it, and later ones for none', async () => {
  const disk = new BadDisk();
  const { counts, open } = agent(disk);
  await open();
  const key = keyNow();
  expect(counts.takeAtOnce(key, PURPOSE)).toBeUndefined();
  await counts.take(key, PURPOSE);
  expect(disk.content?.toString()).toContain(`\t0\t${BLOCK}\t`);
  const writes = disk.writes;
  for (let at = 1; at < BLOCK; at++) expect(counts.takeAtOnce(key, PURPOSE)).toBeDefined();
  expect(counts.takeAtOnce(key, PURPOSE)).toBeUndefined();
  expect(disk.writes).toBe(writes);
  await counts.take(key, PURPOSE);
  // The next block was asked for when half of the first was left, once.
  expect(disk.writes).toBe(writes + 1);
});

test('no signature waits for the disk while half a block is left', async () => {
  const disk = new BadDisk();
  const { counts, open } = agent(disk);
  await open();
  const key = keyNow();
  await counts.take(key, PURPOSE);
  for (let at = 0; at < 20 * BLOCK; at++) {
    expect(counts.takeAtOnce(key, PURPOSE)).toBeDefined();
    if (at % (BLOCK / 4) === 0)
      for (let turn = 0; turn < 4; turn++) await new Promise((done) => setImmediate(done));
  }
  expect(disk.writes).toBeLessThanOrEqual(2 * 20 + 2);
});

test('what is asked for together is written together', async () => {
  const disk = new BadDisk();
  const { counts, open } = agent(disk);
  await open();
  const purposes = ['sct', 'tree-head', 'certificate', 'precertificate', 'trial'] as const;
  await Promise.all(purposes.map((purpose) => counts.take(keyNow(), purpose)));
  expect(disk.writes).toBeLessThanOrEqual(2);
});

test('without room nothing is signed beyond what was allowed, and then everything goes on', async () => {
  const disk = new BadDisk();
  const { counts, open } = agent(disk);
  await open();
  const key = keyNow();
  disk.next = { how: 'fails', kept: 0 };
  await expect(counts.take(key, PURPOSE)).rejects.toMatchObject({
    kind: 'unavailable',
    code: 'hsm/counts-write',
  });
  expect(said(counts).counted).toBe(0);
  await use(counts, key, 10);
  expect(said(counts)).toEqual({ counted: 10, uncertain: 0 });
});

describe('a file', () => {
  async function grown(): Promise<BadDisk> {
    const disk = new BadDisk();
    const { counts, open } = agent(disk);
    await open();
    await use(counts, keyNow(), 600);
    await use(counts, keyNow(), 3, 'tree-head');
    await counts.end();
    return disk;
  }

  test('that is damaged anywhere but in its last line stops every signature', async () => {
    const disk = await grown();
    const good = disk.content ?? Buffer.alloc(0);
    const lastLine = good.lastIndexOf(0x0a, good.length - 2) + 1;
    for (let at = 0; at < lastLine; at += 7) {
      disk.content = Buffer.from(good);
      disk.content[at] = (good[at] ?? 0) ^ 0x01;
      await expect(agent(disk).open()).rejects.toMatchObject({ kind: 'corrupt', code: 'hsm/counts-damaged' });
    }
  });

  test('from whose middle a line was taken stops every signature', async () => {
    const disk = await grown();
    const lines = (disk.content ?? Buffer.alloc(0)).toString().split('\n');
    disk.content = Buffer.from(lines.filter((_, at) => at !== 2).join('\n'));
    await expect(agent(disk).open()).rejects.toMatchObject({ code: 'hsm/counts-damaged' });
  });

  test('that was taken back is noticed by the token, and the counts do not decrease', async () => {
    const disk = await grown();
    const kept: KeptCounts[] = [{ counter: '', host: 'h1', counted: new Map([[pair, 900]]) }];
    const before = agent(disk);
    await before.open();
    const counter = before.counts.report().counter;
    const after = agent(disk, { kept: kept.map((one) => ({ ...one, counter })) });
    await after.open();
    expect(said(after.counts).counted).toBe(900);
    await use(after.counts, keyNow());
    expect(after.counts.report().breaks).toEqual([
      expect.objectContaining({ reason: expect.stringMatching(/^taken-back/) }),
    ]);
    const later = agent(disk);
    await later.open();
    expect(later.counts.report().breaks).toHaveLength(1);
    expect(said(later.counts).counted).toBeGreaterThanOrEqual(901);
  });

  test('that is gone is noticed by the token', async () => {
    const kept = [{ counter: 'abc', host: 'h1', counted: new Map([[pair, 900]]) }];
    const { counts, open } = agent(new BadDisk(), { kept });
    await open();
    expect(counts.report().breaks).toEqual([
      expect.objectContaining({ reason: expect.stringMatching(/^lost.*abc/) }),
    ]);
    const elsewhere = agent(new BadDisk(), { kept, host: 'h2' });
    await elsewhere.open();
    expect(elsewhere.counts.report().breaks).toEqual([]);
  });

  test('that begins where keys have signed for logs says so', async () => {
    const { counts, open } = agent(new BadDisk(), { signedBefore: () => Promise.resolve(true) });
    await open();
    expect(counts.report().breaks).toEqual([
      expect.objectContaining({ reason: expect.stringMatching(/^late/) }),
    ]);
  });
});

test('whatever dies and fails at whatever octet: never less than was used, and at most a block more for each death', async () => {
  const kept = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('use' as const), times: fc.integer({ min: 1, max: 400 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('dies' as const), kept }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('fails' as const), kept }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const disk = new BadDisk();
      const truth = new Map<Purpose, number>([
        ['sct', 0],
        ['tree-head', 0],
      ]);
      let [deaths, key, now] = [0, keyNow(), agent(disk)];
      await now.open();
      const reborn = async (orderly: boolean): Promise<void> => {
        const ended =
          orderly &&
          (await now.counts.end().then(
            () => true,
            () => false,
          ));
        if (!ended || disk.dead) deaths += 1;
        disk.dead = false;
        disk.next = undefined;
        [key, now] = [keyNow(), agent(disk)];
        await now.open();
      };
      for (const [at, what] of steps.entries()) {
        const purpose = at % 3 === 0 ? 'tree-head' : 'sct';
        if (what.do === 'end') await reborn(true);
        else if (what.do === 'kill') await reborn(false);
        else if (what.do !== 'use') disk.next = { how: what.do, kept: what.kept };
        else {
          for (let time = 0; time < what.times && !disk.dead; time++) {
            try {
              await use(now.counts, key, 1, purpose);
              truth.set(purpose, (truth.get(purpose) ?? 0) + 1);
            } catch (error) {
              if (!isFault(error) || error.code !== 'hsm/counts-write') throw error;
            }
          }
          if (disk.dead) await reborn(false);
        }
        for (const [of, used] of truth) {
          const { counted, uncertain } = said(now.counts, of);
          expect(counted).toBeGreaterThanOrEqual(used);
          expect(counted - uncertain).toBeLessThanOrEqual(used);
          expect(counted - used).toBeLessThanOrEqual(deaths * BLOCK);
        }
      }
    }),
    { numRuns: 300 },
  );
});
