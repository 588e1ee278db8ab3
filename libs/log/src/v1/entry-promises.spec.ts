import { describe, expect, test } from '@jest/globals';
import type { Signer } from '#hsm';
import { EntryPromises } from './entry-promises.js';

/** Signs when it is told to; counts how many wait at once. */
class Token implements Signer {
  readonly uri = 'pkcs11:object=spec';
  readonly algorithm = 'ecdsa-p256-sha256';
  readonly spki = new Uint8Array();
  most = 0;
  readonly #waiting: { message: Uint8Array; resolve: (s: Uint8Array) => void; reject: (e: Error) => void }[] =
    [];

  sign(message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, resolve, reject });
      this.most = Math.max(this.most, this.#waiting.length);
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async answer(error?: Error): Promise<void> {
    const one = this.#waiting.shift();
    if (error === undefined) one?.resolve(one.message);
    else one?.reject(error);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('promises', () => {
  test.each([1, 3])('go to the token %i at once, in order, each with its own payload', async (atOnce) => {
    const token = new Token();
    const promises = new EntryPromises(atOnce);
    const made = Array.from({ length: 10 }, (_, at) => promises.sign(token, Uint8Array.of(at)));
    while (token.waiting > 0) await token.answer();
    expect((await Promise.all(made)).map(([at]) => at)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(token.most).toBe(atOnce);
  });

  test('that fail free their place', async () => {
    const token = new Token();
    const promises = new EntryPromises(1);
    const [first, second] = [promises.sign(token, Uint8Array.of(1)), promises.sign(token, Uint8Array.of(2))];
    first.catch(() => undefined);
    await token.answer(new Error('removed'));
    await expect(first).rejects.toThrow('removed');
    await token.answer();
    await expect(second).resolves.toEqual(Uint8Array.of(2));
  });

  test('are not begun when the token would take longer than clients wait, and are again when it has caught up', async () => {
    const token = new Token();
    const promises = new EntryPromises(1);
    const slow = promises.sign(token, Uint8Array.of(0));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await token.answer();
    await slow;
    // About 20 ms for each of them, as far as anyone knows.
    const admitted: (() => void)[] = [];
    const admitAll = (): void => {
      for (let i = 0; i < 1000; i++) admitted.push(promises.admit());
    };
    expect(admitAll).toThrow(
      expect.objectContaining({ kind: 'unavailable', code: 'log/promises-overloaded' }),
    );
    expect(admitted.length).toBeGreaterThan(50);
    for (const done of admitted) done();
    expect(() => promises.admit()).not.toThrow();
  });
});
