/** Journeys by name, and last those that look back on all the others: a restart, then the search for secrets. */
import { basename } from 'node:path';
import sequencer from '@jest/test-sequencer';

// At run time the import is the class; its types describe the CommonJS module around it.
const TestSequencer = /** @type {typeof sequencer.default} */ (/** @type {unknown} */ (sequencer));

const last = [
  'a-restart-keeps-everything.spec.ts',
  'every-signature-is-counted.spec.ts',
  'no-secret-leaves-its-place.spec.ts',
];

/** @param {{path: string}} test */
const rank = ({ path }) => `${last.indexOf(basename(path)) + 1}${path}`;

export default class InOrder extends TestSequencer {
  /**
   * @override
   * @param {import('@jest/test-result').Test[]} tests
   */
  sort(tests) {
    return [...tests].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  }
}
