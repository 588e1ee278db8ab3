import { describe, expect, test } from '@jest/globals';
import { GroupedWrites } from './grouped-writes.js';

/** A store whose writes end when the test says so. */
function store(most = 4): {
  writes: GroupedWrites<string>;
  groups: string[][];
  release: () => Promise<void>;
} {
  const groups: string[][] = [];
  const ends: (() => void)[] = [];
  const writes = new GroupedWrites<string>({
    most,
    ofOneItem: (error) => error instanceof RangeError,
    write: async (items) => {
      groups.push([...items]);
      await new Promise<void>((end) => ends.push(end));
      if (items.includes('bad')) throw new RangeError('bad');
      if (items.includes('down')) throw new Error('down');
    },
  });
  const release = async (): Promise<void> => {
    ends.shift()?.();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  return { writes, groups, release };
}

const settled = (all: readonly Promise<void>[]): Promise<string[]> =>
  Promise.all(
    all.map((one) =>
      one.then(
        () => 'written',
        (error: unknown) => String(error),
      ),
    ),
  );

describe('grouped writes', () => {
  test('send the first at once and gather the rest, in order, no more than allowed', async () => {
    const { writes, groups, release } = store();
    const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((item) => writes.add(item));
    expect(groups).toEqual([['a']]);
    await release();
    expect(groups).toEqual([['a'], ['b', 'c', 'd', 'e']]);
    await release();
    await release();
    expect(groups).toEqual([['a'], ['b', 'c', 'd', 'e'], ['f']]);
    await expect(settled(all)).resolves.toEqual(Array(6).fill('written'));
  });

  test('tell nobody before the group is written', async () => {
    const { writes, release } = store();
    let told = 0;
    for (const item of ['a', 'b']) void writes.add(item).then(() => told++);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(told).toBe(0);
    await release();
    expect(told).toBe(1);
    await release();
    expect(told).toBe(2);
  });

  test('make an error of one item nobody else’s', async () => {
    const { writes, groups, release } = store();
    const all = ['first', 'a', 'bad', 'c'].map((item) => writes.add(item));
    for (let turn = 0; turn < 6; turn++) await release();
    expect(groups).toEqual([['first'], ['a', 'bad', 'c'], ['a'], ['bad'], ['c']]);
    await expect(settled(all)).resolves.toEqual(['written', 'written', 'RangeError: bad', 'written']);
  });

  test('try nothing again when it is the store that fails, and go on afterwards', async () => {
    const { writes, groups, release } = store();
    const all = ['first', 'a', 'down'].map((item) => writes.add(item));
    await release();
    await release();
    await expect(settled(all)).resolves.toEqual(['written', 'Error: down', 'Error: down']);
    const later = writes.add('later');
    await release();
    await later;
    expect(groups).toEqual([['first'], ['a', 'down'], ['later']]);
  });
});
