/**
 * Every table of the appliance, as the capabilities that own them hand them over.
 *
 * One line per capability in each list. Migrations run in the order of the digits in their names, so the
 * order of the lines does not matter.
 */
import * as audit from '#audit';
import * as ca from '#ca';
import * as clock from '#clock';
import * as identity from '#identity';
import type { Entity, Migration } from '#platform';
import * as tree from '#tree';
import * as trustRoot from '#trust-root';

export const migrations: readonly Migration[] = [
  ...tree.migrations,
  ...identity.migrations,
  ...ca.migrations,
  ...trustRoot.migrations,
  ...audit.migrations,
  ...clock.migrations,
];

export const entities: readonly Entity[] = [...identity.entities, ...trustRoot.entities];
