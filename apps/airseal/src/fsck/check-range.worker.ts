/** The thread in which ranges of leaves are checked, on a connection of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { checkLeaves, inSnapshot } from '#tree';
import { openKeptTrees } from './kept-trees.js';
import type { RangeReply, RangeRequest } from './range-threads.js';

const { settings } = workerData as { readonly settings: string };
const opened = openKeptTrees(settings, 1);
// Whoever asks is told; without a question nobody would be.
opened.catch(() => undefined);

async function answer({ id, tree, range, sizes }: RangeRequest): Promise<RangeReply> {
  try {
    const { pool, trees } = await opened;
    const kept = trees.find(({ known }) => known.name === tree);
    if (kept === undefined) throw new Error(`no tree ${tree}`);
    return { id, checked: await inSnapshot(pool, (client) => checkLeaves(client, kept.under, range, sizes)) };
  } catch (error) {
    return { id, defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

parentPort?.on('message', (request: RangeRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
