import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { emptyRoot } from '#core/merkle';
import { JournalFile, journalsOf } from './agent/journal-file.js';
import { newestJournalMs } from './journal-times.js';

const directory = mkdtempSync(join(tmpdir(), 'journal-times-'));
afterAll(() => rmSync(directory, { recursive: true }));

const T_MS = Date.UTC(2026, 10, 22, 10);
const at = (ms: number) => () => new Date(ms);
const head = (size: number) => ({ size: BigInt(size), root: new Uint8Array(32).fill(size) });

describe('the times of signing journals', () => {
  test('are none where there are no journals', async () => {
    expect(await newestJournalMs(join(directory, 'nothing'))).toBeUndefined();
  });

  test('never go back within a journal, also over a restart; the newest of all journals counts', async () => {
    const name = { directory, key: new Uint8Array(32).fill(7), origin: 'log.test' };
    const begun = await JournalFile.create(name, { size: 0n, root: emptyRoot() }, at(T_MS));
    await begun.append(head(1), at(T_MS + 5000));
    await begun.append(head(2), at(T_MS - 3_600_000));
    await begun.close();
    expect(await newestJournalMs(directory)).toBe(T_MS + 5000);

    const again = await JournalFile.open(name, at(T_MS));
    await again?.append(head(3), at(T_MS));
    await again?.append(head(4), at(T_MS + 7000));
    await again?.close();
    expect(await newestJournalMs(directory)).toBe(T_MS + 7000);

    const other = await JournalFile.create({ ...name, origin: 'other.test' }, head(9), at(T_MS + 6000));
    await other.close();
    expect(await newestJournalMs(directory)).toBe(T_MS + 7000);
  });

  test('are as they were when the newest line is written again, which a start does', async () => {
    const name = { directory, key: new Uint8Array(32).fill(8), origin: 'log.test' };
    const begun = await JournalFile.create(name, head(1), at(T_MS));
    await begun.append(head(2), at(T_MS + 1000));
    await begun.close();
    const [path = ''] = readdirSync(journalsOf(directory, name.key)).map((file) =>
      join(journalsOf(directory, name.key), file),
    );
    const before = readFileSync(path, 'utf8');
    utimesSync(path, 0, 0);
    const again = await JournalFile.open(name, at(T_MS));
    expect(again?.last.size).toBe(2n);
    await again?.close();
    expect(statSync(path).mtimeMs).toBeGreaterThan(0);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  test('of a line that was never finished do not count', async () => {
    const [first = ''] = readdirSync(directory, { recursive: true })
      .map(String)
      .filter((path) => path.endsWith('.journal'));
    const before = await newestJournalMs(directory);
    appendFileSync(join(directory, first), '2036-01-01T00:00:00.000Z\t5\t');
    expect(await newestJournalMs(directory)).toBe(before);
  });
});
