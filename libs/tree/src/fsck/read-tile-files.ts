/** The published files of one tree as a checker sees them: it reads and never writes, not even a directory. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTilePath, tilePath, type TileLevel } from '#core/tile';

function isAbsent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}

export class TileFilesReader {
  readonly #directory: string;

  /** @param directory of one tree: `<state>/tiles/<name of the tree>` */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async read(level: TileLevel, n: bigint): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.#directory, tilePath(level, n)));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  path(level: TileLevel, n: bigint): string {
    return tilePath(level, n);
  }

  /** Numbers of all files of one level, in no order. */
  async numbers(level: TileLevel): Promise<bigint[]> {
    const found: bigint[] = [];
    const walk = async (below: string): Promise<void> => {
      let entries;
      try {
        entries = await readdir(join(this.#directory, below), { withFileTypes: true });
      } catch (error) {
        if (isAbsent(error)) return;
        throw error;
      }
      for (const entry of entries) {
        const path = `${below}/${entry.name}`;
        if (entry.isDirectory()) await walk(path);
        else found.push(parseTilePath(path).index);
      }
    };
    await walk(`tile/${level}`);
    return found;
  }

  /** `<size>\n<root>\n` as the host remembered it, or nothing. */
  async newest(): Promise<string | undefined> {
    try {
      return await readFile(join(this.#directory, 'newest'), 'utf8');
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }
}
