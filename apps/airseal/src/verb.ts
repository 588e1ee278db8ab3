/** What a verb is made of, and the flags that several of them take. */
import type { GlobalOptions } from './output.js';

/** One flag: commander's own spelling, what it means, and its default. */
export type Flag = readonly [spelling: string, meaning: string, fallback?: string];

/** One verb, with what it says under `--help`. */
export interface Verb {
  readonly path: readonly string[];
  readonly summary: string;
  readonly operands?: readonly (readonly [spelling: string, meaning: string])[];
  readonly flags?: readonly Flag[];
  readonly example: string;
  readonly run: () => Promise<(operands: string[], flags: Flags) => Promise<void>>;
}

/** What a verb receives: its own flags and the global ones, by camel-case name. */
export type Flags = GlobalOptions & Readonly<Record<string, unknown>>;

export const TRUSTED_ROOT: Flag = [
  '--trusted-root <file>',
  'trusted_root.json to verify against (default: the instance at hand)',
];
export const SIGNING_CONFIG: Flag = [
  '--signing-config <file>',
  'signing_config.v0.2.json that names the services to use',
];
export const IDENTITY_TOKEN: Flag = [
  '--identity-token <file>',
  'file that holds an identity token; else SIGSTORE_ID_TOKEN, else --credentials',
];
export const CREDENTIALS: Flag = [
  '--credentials <file>',
  'machine credentials, as written by `airseal identity add`',
];
export const BUNDLE: Flag = [
  '--bundle <file>',
  'bundle to write or to read (default: ARTIFACT.sigstore.json)',
];
export const IDENTITY_FLAGS: readonly Flag[] = [
  ['--certificate-identity <text>', 'the signer, exactly as in the certificate'],
  [
    '--certificate-identity-regexp <pattern>',
    'the signer, as a regular expression that must match the whole identity',
  ],
  ['--certificate-oidc-issuer <url>', 'who vouched for the signer, exactly'],
  [
    '--certificate-oidc-issuer-regexp <pattern>',
    'who vouched for the signer, as a whole-match regular expression',
  ],
];
export const SETTINGS: Flag = [
  '--settings <file>',
  'settings of the appliance (default: STATE/airseal.yaml)',
];
