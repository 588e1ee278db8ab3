/** A SoftHSM token behind the interposer: `misbehave` says how, from the next call on. */
import { renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freshToken, type TokenSettings } from '../kit.js';
import { compiledInterposer } from './compile.mjs';

export interface BadToken {
  readonly settings: TokenSettings;
  /** Orders of interposer.c; none means that the token behaves. */
  misbehave(...orders: string[]): void;
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
      module: compiledInterposer('interposer.c'),
      environment: {
        ...token.environment,
        AIRSEAL_INTERPOSED: token.module,
        AIRSEAL_INTERPOSER_CONTROL: control,
      },
    },
    misbehave,
  };
}
