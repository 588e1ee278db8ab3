import { describe, expect, test } from '@jest/globals';
import { Turns } from './turns.js';

describe('turns', () => {
  test('lets a few work at once, some wait, and tells the rest to come back', async () => {
    const turns = new Turns(2, 1);
    let running = 0;
    let most = 0;
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await gate;
      running -= 1;
    };
    const taken = [turns.take(work), turns.take(work), turns.take(work)];
    await expect(turns.take(work)).rejects.toMatchObject({ code: 'identity/busy', retryAfterSeconds: 2 });
    release();
    await Promise.all(taken);
    expect(most).toBe(2);
    await turns.take(work);
  });

  test('gives the place of one that failed to the next', async () => {
    const turns = new Turns(1, 1);
    const failing = turns.take(() => Promise.reject(new Error('no')));
    const next = turns.take(() => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });
});
