/** When this host last signed for any tree, as its signing journals say: read beside the agent, which may be writing. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** More than two lines. */
const TAIL_OCTETS = 1024;

/** Milliseconds since 1970; `undefined` where there are no journals. What cannot be read is the agent's to report. */
export async function newestJournalMs(directory: string): Promise<number | undefined> {
  let newestMs: number | undefined;
  for (const path of await journals(directory)) {
    const lastMs = await lastLineMs(path).catch(() => undefined);
    if (lastMs !== undefined && lastMs > (newestMs ?? 0)) newestMs = lastMs;
  }
  return newestMs;
}

async function journals(directory: string): Promise<readonly string[]> {
  try {
    const files = await readdir(directory, { recursive: true });
    return files.filter((name) => name.endsWith('.journal')).map((name) => join(directory, name));
  } catch {
    return [];
  }
}

async function lastLineMs(path: string): Promise<number | undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const length = Math.min(size, TAIL_OCTETS);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    // What follows the last newline was never finished, so nothing was signed for it.
    const line = buffer.toString('utf8').split('\n').at(-2) ?? '';
    const timeMs = Date.parse(line.split('\t', 1)[0] ?? '');
    return Number.isNaN(timeMs) ? undefined : timeMs;
  } finally {
    await file.close();
  }
}
