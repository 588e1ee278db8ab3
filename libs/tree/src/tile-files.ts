/**
 * Full tiles and full entry bundles as immutable files, for whoever serves, mirrors or backs up the log without
 * a database: `<directory>/tile/<level>/x001/234` and `<directory>/tile/entries/x001/234` (C2SP tlog-tiles).
 *
 * A file appears whole or not at all (written aside, synced, linked into place, the directory synced) and is
 * never replaced: one that is there already must be byte-equal, or our own state contradicts itself.
 *
 * The files are derived: rows are the truth. After a crash the missing ones are written again from the rows.
 */
import { link, mkdir, open, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Fault } from '#core/fault';
import { equalOctets, fromBase64, toBase64 } from '#core/octets';
import type { TreeHead } from '#core/merkle';
import { tilePath, type TileLevel } from '#core/tile';
import type { Barrier } from './barrier.js';

/** Temporary files older than this belong to nobody. */
const STALE_MS = 3_600_000;

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export class TileFiles {
  readonly #directory: string;
  readonly #barrier: Barrier;
  readonly #made = new Set<string>();

  private constructor(directory: string, barrier: Barrier) {
    this.#directory = directory;
    this.#barrier = barrier;
  }

  static async open(
    directory: string,
    nowMs: number,
    barrier: Barrier = () => undefined,
  ): Promise<TileFiles> {
    const temporary = join(directory, 'tmp');
    await mkdir(temporary, { recursive: true });
    for (const name of await readdir(temporary)) {
      const path = join(temporary, name);
      try {
        if ((await stat(path)).mtimeMs < nowMs - STALE_MS) await unlink(path);
      } catch (error) {
        // Another replica that shares the directory has put it into its place, or cleared it away.
        if (!hasCode(error, 'ENOENT')) throw error;
      }
    }
    return new TileFiles(directory, barrier);
  }

  #path(level: TileLevel, n: bigint): string {
    return join(this.#directory, tilePath(level, n));
  }

  /** Below the directory of the tree. */
  path(level: TileLevel, n: bigint): string {
    return tilePath(level, n);
  }

  async has(level: TileLevel, n: bigint): Promise<boolean> {
    try {
      await stat(this.#path(level, n));
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  async read(level: TileLevel, n: bigint): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.#path(level, n));
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** @throws {Fault} tree/file-differs (corrupt) if another content has been published under that name */
  async publish(level: TileLevel, n: bigint, content: Uint8Array): Promise<void> {
    const path = this.#path(level, n);
    const parent = dirname(path);
    if (!this.#made.has(parent)) {
      // Each new directory is an entry in its parent, which must be durable before the file is called so.
      const first = await mkdir(parent, { recursive: true });
      for (let made = parent; first !== undefined && made.length >= first.length; made = dirname(made)) {
        await syncDirectory(dirname(made));
      }
      this.#made.add(parent);
    }
    const aside = join(this.#directory, 'tmp', randomBytes(12).toString('hex'));
    try {
      const file = await open(aside, 'wx', 0o644);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#barrier('aside');
      await link(aside, path);
      await syncDirectory(parent);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      if (!equalOctets(await readFile(path), content)) {
        throw new Fault('corrupt', 'tree/file-differs', `${path} was published with another content`, {
          cause: error,
        });
      }
      // Whoever linked it may have died, or failed, before its name was durable; the next file relies on that.
      await syncDirectory(parent);
    } finally {
      // Also when the disk was full: what is left of each attempt would keep it so.
      await rm(aside, { force: true });
    }
  }

  /**
   * Remembers the newest head this host has published, outside the database: a database restored from yesterday's
   * backup is then seen to be behind. Not synced; it may be older than the truth, never newer.
   */
  async remember(head: TreeHead): Promise<void> {
    const aside = join(this.#directory, 'tmp', randomBytes(12).toString('hex'));
    try {
      await writeFile(aside, `${head.size}\n${toBase64(head.root)}\n`);
      await rename(aside, join(this.#directory, 'newest'));
    } finally {
      await rm(aside, { force: true });
    }
  }

  async remembered(): Promise<TreeHead | undefined> {
    try {
      const [size, root, end, ...rest] = (await readFile(join(this.#directory, 'newest'), 'utf8')).split(
        '\n',
      );
      // A power cut may leave an empty file behind, since it is not synced: that is no contradiction.
      if (size === undefined || root === undefined || end !== '' || rest.length > 0) return undefined;
      return { size: BigInt(size), root: fromBase64(root) };
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }
}
