/**
 * The files of the trust root as clients fetch them (CONTRACTS §7.1).
 *
 * A name is served only if it is one that the publisher writes; everything else does not exist, whatever
 * lies in the directory. That leaves no path to play tricks with, and a client that asks for the next root
 * gets the plain 404 by which it knows that it holds the newest.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface PublishedFile {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** Numbered and hashed names never change their content. */
  readonly immutable: boolean;
}

const NUMBERED = /^[1-9]\d{0,9}\.(?:root|targets|snapshot)\.json$/;
const CURRENT = /^(?:root|timestamp)\.json$/;
const TARGET = /^[0-9a-f]{64}\.([A-Za-z0-9][A-Za-z0-9._-]{0,99})$/;

function contentTypeOf(name: string): string {
  if (name.endsWith('.json')) return 'application/json';
  return name.endsWith('.pem') || name.endsWith('.pub')
    ? 'application/x-pem-file'
    : 'application/octet-stream';
}

export class PublishedFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  metadata(name: string): Promise<PublishedFile | undefined> {
    if (NUMBERED.test(name)) return this.#read(name, true);
    return CURRENT.test(name) ? this.#read(name, false) : Promise.resolve(undefined);
  }

  target(name: string): Promise<PublishedFile | undefined> {
    return TARGET.test(name) ? this.#read(`targets/${name}`, true) : Promise.resolve(undefined);
  }

  async #read(name: string, immutable: boolean): Promise<PublishedFile | undefined> {
    try {
      const bytes = await readFile(join(this.#directory, name));
      return { bytes, contentType: contentTypeOf(name), immutable };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
