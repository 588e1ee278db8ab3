import { join } from 'node:path';
import type { Settings } from '#platform';

/** Where the agents of this installation keep their signing journals: the same for every program of it. */
export function journalDirectory({ hsm, stateDir }: Pick<Settings, 'hsm' | 'stateDir'>): string {
  return hsm.journal ?? join(stateDir, 'journal');
}
