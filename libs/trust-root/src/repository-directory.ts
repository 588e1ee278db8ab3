/**
 * The TUF repository as files that clients fetch (CONTRACTS §7.1).
 *
 *     targets/<sha256>.<name>    never change once written
 *     <N>.root.json  <N>.targets.json  <N>.snapshot.json    never change once written
 *     root.json      the newest root, for scripts
 *     timestamp.json names all of the above, so it is replaced last
 *
 * The order of the writes is what keeps clients working at every instant and after every power cut: a file
 * is durable before anything names it. A numbered file that already stands with other bytes is never
 * overwritten; two histories under one number is what TUF exists to prevent.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { parseJson } from '#core/json';
import { equalOctets, toHex } from '#core/octets';
import { parseTufFile, type RepositoryFiles } from '#core/tuf';

function damaged(what: string): Fault {
  return new Fault(
    'corrupt',
    'tuf/damaged',
    `the TUF repository is damaged: ${what}; restore its directory from a copy, and do not hold genesis again`,
  );
}

function isWhole(bytes: Uint8Array): boolean {
  try {
    parseJson(bytes);
    return true;
  } catch {
    return false;
  }
}

export class RepositoryDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** @throws {Fault} tuf/history if a numbered file stands there with other bytes */
  async publish(files: RepositoryFiles): Promise<void> {
    const version = (type: 'root' | 'targets' | 'snapshot') => parseTufFile(files[type], type).signed.version;
    const { targets } = parseTufFile(files.targets, 'targets').signed;
    await mkdir(join(this.path, 'targets'), { recursive: true });
    for (const [name, bytes] of files.targetFiles) {
      const facts = targets[name];
      if (facts !== undefined) await this.#writeOnce(`targets/${facts.hashes.sha256}.${name}`, bytes);
    }
    await this.#writeOnce(`${version('targets')}.targets.json`, files.targets);
    await this.#writeOnce(`${version('snapshot')}.snapshot.json`, files.snapshot);
    await this.#writeOnce(`${version('root')}.root.json`, files.root);
    await this.#replace('root.json', files.root);
    await this.#replace('timestamp.json', files.timestamp);
  }

  /**
   * The repository that the timestamp names.
   *
   * @throws {Fault} tuf/no-repository before genesis; tuf/… if the files do not belong together
   */
  async read(): Promise<RepositoryFiles> {
    const timestamp = await this.#read('timestamp.json');
    if (timestamp === undefined) {
      throw new Fault(
        'absent',
        'tuf/no-repository',
        'there is no trust root yet: hold the genesis ceremony first',
      );
    }
    if (!isWhole(timestamp)) throw damaged('timestamp.json is cut short or is not JSON');
    const snapshotVersion = parseTufFile(timestamp, 'timestamp').signed.meta['snapshot.json'].version;
    const snapshot = await this.#need(`${snapshotVersion}.snapshot.json`);
    const targetsVersion = parseTufFile(snapshot, 'snapshot').signed.meta['targets.json'].version;
    const targets = await this.#need(`${targetsVersion}.targets.json`);
    const targetFiles = new Map<string, Uint8Array>();
    for (const [name, { hashes }] of Object.entries(parseTufFile(targets, 'targets').signed.targets)) {
      const path = `targets/${hashes.sha256}.${name}`;
      const bytes = await this.#need(path);
      // Every client would refuse it; we say so before they do.
      if (toHex(sha256(bytes)) !== hashes.sha256)
        throw damaged(`${path} has other bytes than the metadata names`);
      targetFiles.set(name, bytes);
    }
    return { root: await this.#newestRoot(), targets, snapshot, timestamp, targetFiles };
  }

  async #newestRoot(): Promise<Uint8Array> {
    const versions = (await readdir(this.path)).flatMap((name) => {
      const number = /^([1-9]\d*)\.root\.json$/.exec(name)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
    return this.#need(`${Math.max(...versions)}.root.json`);
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await readFile(join(this.path, name)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #need(name: string): Promise<Uint8Array> {
    const bytes = await this.#read(name);
    if (bytes === undefined) {
      throw new Fault(
        'corrupt',
        'tuf/incomplete',
        `${name} is missing from the TUF repository: restore the directory`,
      );
    }
    return bytes;
  }

  async #writeOnce(name: string, bytes: Uint8Array): Promise<void> {
    const standing = await this.#read(name);
    if (standing === undefined) return this.#replace(name, bytes);
    if (!equalOctets(standing, bytes)) {
      throw new Fault(
        'corrupt',
        'tuf/history',
        `${name} is published already, with other bytes: nothing was changed`,
      );
    }
  }

  /** Whole or not at all, and durable on return: temporary file, fsync, rename, fsync of the directory. */
  async #replace(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.path, name);
    const temporary = `${path}.${randomBytes(6).toString('hex')}.part`;
    try {
      const file = await open(temporary, 'wx', 0o644);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    const directory = await open(dirname(path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}
