/** A SoftHSM token behind the interposer: `misbehave` says how, from the next call on. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freshToken, type TokenSettings } from '../kit.js';

const root = join(import.meta.dirname, '../../..');

export interface BadToken {
  readonly settings: TokenSettings;
  /** Orders of interposer.c; none means that the token behaves. */
  misbehave(...orders: string[]): void;
}

/** The compiled interposer; compiled once for each state of its source. */
function interposer(): string {
  const source = join(import.meta.dirname, 'interposer.c');
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const library = join(root, '.cache', `interposer-${digest}.so`);
  if (!existsSync(library)) {
    mkdirSync(dirname(library), { recursive: true });
    const headers = join(root, 'node_modules/pkcs11js/includes/pkcs11');
    const unfinished = `${library}.${process.pid}`;
    execFileSync('cc', [
      '-std=gnu11',
      '-O1',
      '-shared',
      '-fPIC',
      '-I',
      headers,
      '-o',
      unfinished,
      source,
      '-ldl',
    ]);
    renameSync(unfinished, library);
  }
  return library;
}

export async function badToken(label: string): Promise<BadToken> {
  const token = await freshToken(label);
  const control = join(dirname(token.pinSource), 'control');
  const misbehave = (...orders: string[]): void => {
    // Renamed into place, so that no call reads half of it.
    writeFileSync(`${control}.new`, orders.map((order) => `${order}\n`).join(''));
    renameSync(`${control}.new`, control);
  };
  misbehave();
  return {
    settings: {
      ...token,
      module: interposer(),
      environment: {
        ...token.environment,
        AIRSEAL_INTERPOSED: token.module,
        AIRSEAL_INTERPOSER_CONTROL: control,
      },
    },
    misbehave,
  };
}
