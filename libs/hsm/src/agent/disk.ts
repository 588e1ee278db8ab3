/**
 * The few things that a file which must not forget needs of a disk.
 *
 * A file is replaced as a whole under its name, or grows at a position that its owner knows to be durable. Who was
 * told that a write or a sync failed does not know what the disk holds, and must not ask the page cache either, since
 * it may show pages that were never written: the next thing such an owner writes is a new file.
 */
import { mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Disk {
  /** `undefined` if there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
  /** Resolves when `content` stands durably under `path`, in a new file; makes the directory. */
  replace(path: string, content: Uint8Array): Promise<void>;
  /** Resolves when `bytes` stand durably at `position`, and nothing behind them. */
  writeAt(path: string, position: number, bytes: Uint8Array): Promise<void>;
  /** Lets go of `path`. */
  close(path: string): Promise<void>;
}

export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Makes the directory and everything above it that lacks, durably. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  for (let made = path; first !== undefined && made.length >= first.length; made = dirname(made)) {
    await syncDirectory(dirname(made));
  }
}

export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** A durable file beside `path`, to be renamed or linked to it. */
export async function writeAside(path: string, content: Uint8Array): Promise<string> {
  const aside = `${path}.new`;
  await rm(aside, { force: true });
  const file = await open(aside, 'wx', 0o600);
  try {
    await writeAll(file, content, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  return aside;
}

/** The disk of this host. Keeps open what it writes to. */
export class HostDisk implements Disk {
  readonly #files = new Map<string, FileHandle>();

  async read(path: string): Promise<Buffer | undefined> {
    try {
      return await readFile(path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  async replace(path: string, content: Uint8Array): Promise<void> {
    await this.close(path);
    await makeDirectory(dirname(path));
    await rename(await writeAside(path, content), path);
    await syncDirectory(dirname(path));
  }

  async writeAt(path: string, position: number, bytes: Uint8Array): Promise<void> {
    const file = this.#files.get(path) ?? (await open(path, 'r+'));
    this.#files.set(path, file);
    if ((await file.stat()).size !== position) await file.truncate(position);
    await writeAll(file, bytes, position);
    await file.datasync();
  }

  async close(path: string): Promise<void> {
    const file = this.#files.get(path);
    this.#files.delete(path);
    await file?.close();
  }
}
