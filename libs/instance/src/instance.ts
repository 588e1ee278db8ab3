/**
 * What this installation is called and where its services answer: `instance.yaml`, an input of genesis.
 *
 * Every name here is burnt into certificates, checkpoints and bundles and cannot be taken back, so the
 * file is strict: a key that we do not know is refused, and nothing is guessed.
 */
import { z } from 'zod';
import { parse } from 'yaml';
import { Fault } from '#core/fault';

/** Unusable-by-construction, marked DO NOT TRUST, or real (ARCHITECTURE "Modes"). */
export const Mode = z.enum(['production', 'rehearsal', 'evaluation']);
export type Mode = z.infer<typeof Mode>;

/** A base URL: https, no trailing slash, no query. Clients concatenate paths to it. */
const BaseUrl = z
  .url({ protocol: /^https$/ })
  .refine((text) => !text.endsWith('/') && !text.includes('?') && !text.includes('#'), {
    message: 'write a base URL without trailing slash, query or fragment',
  });

/** Short name of a shard, part of key labels and tree names: `2026-1`. */
const ShardName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'use lower-case letters, digits and hyphens');

const LogShard = z.strictObject({ name: ShardName, url: BaseUrl });

export const Instance = z.strictObject({
  /** One word for directories, tokens and metrics. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/),
  /** Written as O= into every certificate of this installation. */
  organisation: z.string().min(1).max(64),
  mode: Mode,
  services: z.strictObject({
    /** Fulcio: must be at the root of its host (sigstore-python drops any prefix). */
    fulcio: BaseUrl,
    /** The built-in issuer; leave out where the network has its own. */
    oidc: BaseUrl.optional(),
    /** The *full* URL of the timestamp endpoint, as clients want it. */
    tsa: BaseUrl,
    tuf: BaseUrl,
    ct: z.array(LogShard).min(1),
    /** Rekor v1: one URL for ever, shards behind it. */
    rekorV1: z.strictObject({ url: BaseUrl, shards: z.array(z.strictObject({ name: ShardName })).min(1) }),
    /** Rekor v2: a shard *is* a host name. */
    rekorV2: z.array(LogShard).min(1),
  }),
  /** Which API the default signing config offers: v1 by default, v2 as the opt-in (ARCHITECTURE). */
  defaultRekorApi: z.enum(['v1', 'v2']).default('v1'),
  /** How often couriers carry media across the gap; sets how long TUF timestamps must live. */
  courierInterval: z
    .string()
    .regex(/^\d+[hd]$/)
    .default('7d'),
  /** Which clients the fleet runs: decides which compatibility targets are published. */
  clients: z.array(z.string()).default([]),
  /** Per issuer URL: `as-is` writes the subject into the certificate. Nothing else is available yet. */
  subjectPrivacy: z.record(z.string(), z.enum(['as-is', 'pseudonym'])).default({}),
  /** Declared at birth, per key role: none, vendor clone, trusted wrap (CEREMONY §4.5). */
  backup: z.record(z.string(), z.enum(['none', 'vendor-clone', 'trusted-wrap'])).default({}),
});
export type Instance = z.infer<typeof Instance>;

/** A promise of privacy that nobody keeps is worse than none, and what is in the log stays there. */
function refusePseudonyms({ subjectPrivacy }: Instance): void {
  const wanted = Object.keys(subjectPrivacy).filter((issuer) => subjectPrivacy[issuer] === 'pseudonym');
  if (wanted.length === 0) return;
  throw new Fault(
    'refused',
    'instance/subject-privacy',
    `instance.yaml: subjectPrivacy asks for pseudonym for ${wanted.join(', ')}, but only as-is is available: ` +
      'every subject is written into the certificate and the logs as the issuer gives it. Write as-is, or leave ' +
      'the issuer out',
  );
}

/**
 * Reads the text of an `instance.yaml`.
 *
 * @throws {Fault} instance/malformed naming each wrong key and why; instance/subject-privacy
 */
export function parseInstance(text: string): Instance {
  let value: unknown;
  try {
    value = parse(text, { strict: true, uniqueKeys: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault('malformed', 'instance/malformed', `instance.yaml is not YAML: ${reason}`, { cause });
  }
  const result = Instance.safeParse(value);
  if (!result.success) {
    throw new Fault('malformed', 'instance/malformed', `instance.yaml: ${z.prettifyError(result.error)}`);
  }
  refusePseudonyms(result.data);
  return result.data;
}

/**
 * Host name (no port) of a base URL: the origin of checkpoints (CONTRACTS §3.7, §4.4).
 *
 * @throws {Fault} instance/url
 */
export function hostOf(url: string): string {
  if (!URL.canParse(url)) throw new Fault('malformed', 'instance/url', 'expected a URL with scheme and host');
  return new URL(url).hostname;
}
