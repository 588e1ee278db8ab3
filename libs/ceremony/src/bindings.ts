/** Which token is which, on this machine: read by the ceremony only, never by the appliance. */
import { z } from 'zod';
import type { TokenSettings } from '#hsm';
import { Authorities } from './compile-plan.js';
import { parseStrictYaml } from './script.js';

const Token = z.strictObject({
  module: z.string().min(1),
  uri: z.string().startsWith('pkcs11:'),
  pinSource: z.string().min(1),
  environment: z.record(z.string(), z.string()).optional(),
  agentSocket: z.string().optional(),
});

export const Bindings = z.strictObject({
  tokens: z.record(z.string(), Token),
  /** Keys that exist already, by the step that would have made them. */
  adopt: z.record(z.string(), z.string().startsWith('pkcs11:')).optional(),
  /** Whose roots stand above our intermediates; `own` where nothing is said. */
  authorities: Authorities.partial().optional(),
});
export interface Bindings {
  readonly tokens: Readonly<Record<string, TokenSettings>>;
  readonly adopt?: Readonly<Record<string, string>> | undefined;
  readonly authorities?: { readonly [K in keyof Authorities]?: Authorities[K] | undefined } | undefined;
}

/** @throws {Fault} ceremony/bindings */
export function parseBindings(text: string): Bindings {
  return parseStrictYaml(Bindings, text, 'ceremony/bindings', 'the ceremony bindings');
}
