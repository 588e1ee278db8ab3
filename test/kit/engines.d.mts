import type { PostgresPlace } from '../../apps/bootstrap/src/postgres.mjs';

export function kitPlace(directory: string): PostgresPlace & { readonly tokens: string };
