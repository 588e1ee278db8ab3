/** A disk that fails on command, under any program that is started with `environment` (storage.c). */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kitDirectory } from '../kit.js';
import { compiledInterposer } from './compile.mjs';

export type StorageOperation = 'create' | 'write' | 'sync' | 'rename' | 'link' | 'truncate';

export interface StorageFault {
  /** Shell pattern of the whole path; `*` also stands for `/`. */
  readonly path: string;
  readonly on: readonly StorageOperation[];
  /** `KILL` ends the program instead. */
  readonly error: 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EROFS' | 'KILL';
  /** Not done and reported so; done and reported as failed; or done by half. Default `before`. */
  readonly how?: 'before' | 'after' | 'half';
  /** So many calls pass first. Default 0. */
  readonly skip?: number;
  /** So many fail. Default 0: all that follow, until it heals. */
  readonly times?: number;
}

const COUNTERS = 16;

export class BadStorage {
  readonly #directory: string;
  #generation = 0;

  constructor() {
    const parent = join(kitDirectory(), 'storage');
    mkdirSync(parent, { recursive: true });
    this.#directory = mkdtempSync(join(parent, 'bad-'));
    this.fail();
  }

  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: compiledInterposer('storage.c'),
      AIRSEAL_STORAGE_CONTROL: join(this.#directory, 'control'),
    };
  }

  /** From the next call on, these and no others. */
  fail(...faults: readonly StorageFault[]): void {
    this.#generation += 1;
    writeFileSync(this.#counters(), Buffer.alloc(COUNTERS * 8));
    const lines = faults.map(({ path, on, error, how = 'before', skip = 0, times = 0 }) =>
      [path, on.join(','), error, how, skip, times].join(' '),
    );
    const control = join(this.#directory, 'control');
    // Renamed into place, so that no call reads half of it.
    writeFileSync(`${control}.new`, `${[this.#counters(), ...lines].join('\n')}\n`);
    renameSync(`${control}.new`, control);
  }

  heal(): void {
    this.fail();
  }

  /** How many calls each fault has met so far, whether they failed or passed. */
  met(): number[] {
    const counters = readFileSync(this.#counters());
    return Array.from({ length: COUNTERS }, (_, at) => Number(counters.readBigUInt64LE(at * 8)));
  }

  #counters(): string {
    return join(this.#directory, `counters-${this.#generation}`);
  }
}
