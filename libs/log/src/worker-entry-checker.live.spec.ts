import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { leafHash } from '#core/merkle';
import { fromUtf8 } from '#core/octets';
import { quietLogger } from '../../../test/kit/fresh-trees.js';
import { hashedRekordV1, hashedRekordV2 } from '../../../test/kit/signed-artifact.js';
import { checkEntry } from './checked-entry.js';
import { WorkerEntryChecker } from './worker-entry-checker.js';

// Threads load sources without jest: Node strips the types, and this finds `x.ts` behind `x.js`.
const HOOK = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(specifier, context, next) {
      try { return next(specifier, context); }
      catch (error) {
        if (!specifier.startsWith('.') || !specifier.endsWith('.js')) throw error;
        return next(specifier.slice(0, -3) + '.ts', context);
      }
    },
  });`)}`;

let checker: WorkerEntryChecker;
beforeAll(() => {
  checker = new WorkerEntryChecker(quietLogger, {
    execArgv: ['--conditions=airseal-source', '--import', HOOK],
    maxWaiting: 200,
  });
});
afterAll(async () => {
  await checker.close();
});

function bytes(value: unknown): Uint8Array {
  return fromUtf8(JSON.stringify(value));
}

describe('worker threads', () => {
  test('give the same entry as checking in place does', async () => {
    for (const [face, body] of [
      ['v1', bytes(hashedRekordV1('a'))],
      ['v2', bytes(hashedRekordV2('a'))],
    ] as const) {
      const { canonical, ...rest } = checkEntry(face, body);
      const { canonical: theirs, ...others } = await checker.check(face, body);
      expect([Buffer.from(theirs), others]).toEqual([Buffer.from(canonical), rest]);
    }
  });

  test('refuse with the same fault', async () => {
    const forged = {
      ...hashedRekordV1('a'),
      spec: { ...hashedRekordV1('a').spec, data: hashedRekordV1('b').spec.data },
    };
    await expect(checker.check('v1', bytes(forged))).rejects.toMatchObject({
      name: 'Fault',
      code: 'entry/signature',
    });
    await expect(checker.check('v2', fromUtf8('{'))).rejects.toMatchObject({
      name: 'Fault',
      kind: 'malformed',
    });
  });

  test('read what is looked up, and hand over hashes instead of entries', async () => {
    const proposal = hashedRekordV1('a');
    const body = bytes({ entryUUIDs: ['ab'], logIndexes: [7], entries: [proposal] });
    const found = await checker.lookUps(body);
    expect([found.entryIds, found.indexes]).toEqual([['ab'], [7n]]);
    expect(found.leafHashes.map((hash) => Buffer.from(hash))).toEqual([
      Buffer.from(leafHash(checkEntry('v1', bytes(proposal)).canonical)),
    ]);
    await expect(checker.lookUps(bytes({ entries: [{ kind: 'nothing' }] }))).rejects.toMatchObject({
      name: 'Fault',
      kind: 'malformed',
    });
  });

  test('turn requests away when too many wait, and go on', async () => {
    const body = bytes(hashedRekordV2('many'));
    const results = await Promise.allSettled(Array.from({ length: 500 }, () => checker.check('v2', body)));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(300);
    expect(refused[0]).toMatchObject({ reason: { code: 'entry/busy', kind: 'unavailable' } });
    await expect(checker.check('v2', body)).resolves.toMatchObject({ kind: 'hashedrekord' });
  });
});
