/**
 * What the operator's page says about each setting, kept beside the setting itself.
 *
 * Every key answers three questions: what it is, why anyone would change it, and what somebody gains who
 * controls it. A key without an entry fails the page's test.
 */
import { z } from 'zod';

export interface SettingDoc {
  readonly what: string;
  readonly change: string;
  readonly attacker: string;
}

/** The answers, by schema. */
export const settingDocs = z.registry<SettingDoc>();

/** Gives `schema` its three answers. */
export function told<T extends z.ZodType>(schema: T, what: string, change: string, attacker: string): T {
  settingDocs.add(schema, { what, change, attacker });
  return schema;
}
