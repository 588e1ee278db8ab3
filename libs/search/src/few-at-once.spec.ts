import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FewAtOnce } from './few-at-once.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('questions', () => {
  test('are never more at once than allowed, and each that is admitted is answered, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 6 }),
        fc.array(fc.record({ turns: fc.integer({ min: 0, max: 4 }), fails: fc.boolean() }), {
          maxLength: 24,
        }),
        async (atOnce, mayWait, questions) => {
          const few = new FewAtOnce(atOnce, mayWait);
          let [underWay, most] = [0, 0];
          const results = await Promise.allSettled(
            questions.map(({ turns, fails }, at) =>
              few.run(async () => {
                most = Math.max(most, ++underWay);
                for (let n = 0; n < turns; n++) await turn();
                underWay -= 1;
                if (fails) throw new Error(`question ${at}`);
                return at;
              }),
            ),
          );
          expect(most).toBeLessThanOrEqual(atOnce);
          // All come in one moment: the first ones are answered or fail by themselves, the rest are turned away.
          results.forEach((result, at) => {
            if (at >= atOnce + mayWait)
              expect(result).toMatchObject({ reason: { code: 'search/busy', retryAfterSeconds: 2 } });
            else if (questions[at]?.fails === true)
              expect(result).toMatchObject({ reason: { message: `question ${at}` } });
            else expect(result).toEqual({ status: 'fulfilled', value: at });
          });
          // Nothing is left of them: as many as before are admitted again.
          await expect(
            Promise.all(Array.from({ length: atOnce }, () => few.run(turn))),
          ).resolves.toHaveLength(atOnce);
        },
      ),
    );
  });
});
