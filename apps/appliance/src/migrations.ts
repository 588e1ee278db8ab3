/**
 * Every table of the appliance, as the capabilities that own them hand them over.
 *
 * One line per capability in each list. Migrations run in the order of the digits in their names, so the
 * order of the lines does not matter.
 */
import type { Entity, Migration } from '#platform';

export const migrations: readonly Migration[] = [];

export const entities: readonly Entity[] = [];
