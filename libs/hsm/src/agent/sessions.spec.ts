import { expect, test } from '@jest/globals';
import { SessionPool } from './sessions.js';

function pool(
  most: number,
  failing = false,
): { pool: SessionPool; opened: () => number; closed: () => number } {
  let opened = 0;
  let closed = 0;
  return {
    pool: new SessionPool(
      most,
      () => {
        if (failing) throw new Error('CKR_SESSION_COUNT');
        opened += 1;
        return Buffer.from([opened]);
      },
      () => (closed += 1),
    ),
    opened: () => opened,
    closed: () => closed,
  };
}

test('keys take turns', async () => {
  const { pool: sessions } = pool(1);
  const order: string[] = [];
  const work = (key: string): Promise<void> =>
    sessions.use(key, async () => {
      await Promise.resolve();
      order.push(key);
    });
  await Promise.all(['a', 'a', 'a', 'a', 'b'].map(work));
  expect(order).toEqual(['a', 'a', 'b', 'a', 'a']);
});

test('a session is used again after a success and never after a failure', async () => {
  const { pool: sessions, opened, closed } = pool(4);
  await sessions.use('k', () => Promise.resolve());
  await sessions.use('k', () => Promise.resolve());
  expect(opened()).toBe(1);
  await expect(sessions.use('k', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await sessions.use('k', () => Promise.resolve());
  expect([opened(), closed()]).toEqual([2, 1]);
});

test('refuses everyone when no session can be opened', async () => {
  const { pool: sessions } = pool(4, true);
  await expect(sessions.use('k', () => Promise.resolve())).rejects.toThrow('CKR_SESSION_COUNT');
  expect(sessions.underWay).toBe(0);
});

test('says when it is drained', async () => {
  const { pool: sessions } = pool(1);
  const done: number[] = [];
  const work = [1, 2].map((at) => sessions.use('k', async () => void done.push(at)));
  await sessions.drained();
  expect(done).toEqual([1, 2]);
  await Promise.all(work);
});
