/**
 * What a ceremony script may say.
 *
 * A script is data for an engine. The step kinds are a closed set, there is no way to run a program and no
 * expression beyond `when`, so that a script can be reviewed by people who do not program, and what they
 * reviewed is what runs. Unknown keys are errors.
 */
import { parse } from 'yaml';
import { z } from 'zod';
import { Fault } from '#core/fault';

/** Placeholders stand in braces; see {@link PLACEHOLDERS} in compile-plan. */
const Name = z
  .string()
  .regex(/^(?!-)(?:[a-z0-9-]|\{[a-zA-Z0-9]+\})*$/, 'use lower-case letters, digits and hyphens');
const Ref = Name;
/** What a person in the room should know; shown while the step runs and kept in the transcript. */
const Say = z.string().min(1).max(200);
const FileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a plain file name');
const Text = z.string().min(1).max(64);

const common = {
  id: Name,
  say: Say,
  /** Leaves the step out of the plan unless every fact is as written. */
  when: z
    .strictObject({
      issuer: z.enum(['built-in', 'none']).optional(),
      codeAuthority: z.enum(['own', 'external']).optional(),
      timeAuthority: z.enum(['own', 'external']).optional(),
    })
    .optional(),
};

/** How long a certificate or a role lives, counted from the plan's `notBefore`. */
const Years = z.strictObject({ years: z.int().min(1).max(25) });
const Days = z.strictObject({ days: z.int().min(1).max(3650) });

export const KeyAlgorithm = z.enum([
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'rsa-2048-sha256',
  'rsa-3072-sha256',
  'rsa-4096-sha256',
  'ed25519',
]);

/** A signature that may or may not have been made before a crash is made again over the same bytes only. */
const SameBytes = z.literal('same-bytes');

export const Step = z.discriminatedUnion('kind', [
  /** Lists a token; `against` an earlier listing, the difference must be the keys of this plan. */
  z.strictObject({ ...common, kind: z.literal('hsm.inventory'), on: Name, against: Ref.optional() }),
  /**
   * Makes a key pair. `recovery` says what happens to a key that a crash left behind unwitnessed: it is
   * adopted after a check of its attributes where the mode is evaluation, and otherwise destroyed and made again.
   */
  z.strictObject({
    ...common,
    kind: z.literal('key.generate'),
    on: Name,
    label: Name,
    algorithm: KeyAlgorithm,
    alwaysAuthenticate: z.boolean().optional(),
    recovery: z.literal('adopt-in-evaluation'),
  }),
  /** Takes over a key that exists; written by the compiler where the bindings name one. */
  z.strictObject({
    ...common,
    kind: z.literal('key.adopt'),
    on: Name,
    label: Name,
    uri: z.string().startsWith('pkcs11:'),
    algorithm: KeyAlgorithm,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('x509.build'),
    role: z.enum(['code-root', 'code-intermediate', 'time-root', 'tsa-intermediate', 'tsa-leaf']),
    key: Ref,
    /** The certificate whose key will sign; left out for roots. */
    issuer: Ref.optional(),
    subject: z.strictObject({ commonName: Text }),
    validity: Years,
  }),
  z.strictObject({ ...common, kind: z.literal('x509.lint'), of: Ref }),
  z.strictObject({ ...common, kind: z.literal('x509.sign'), of: Ref, with: Ref, recovery: SameBytes }),
  /** Leaf or issuing certificate first, root last; an accepted certificate brings what stands above it. */
  z.strictObject({ ...common, kind: z.literal('x509.chain'), certificates: z.array(Ref).min(1) }),
  /** Asks somebody else's authority for a certificate: a request that proves possession of the key. */
  z.strictObject({
    ...common,
    kind: z.literal('x509.request'),
    key: Ref,
    subject: z.strictObject({ commonName: Text }),
    recovery: SameBytes,
  }),
  /** Waits for the answer to a request: `inputs/<from>` in the run's directory, PEM, our certificate first. */
  z.strictObject({
    ...common,
    kind: z.literal('x509.accept'),
    role: z.enum(['code-intermediate', 'tsa-intermediate']),
    key: Ref,
    from: FileName,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('log.key'),
    face: z.enum(['ct', 'rekor-v1', 'rekor-v2']),
    shard: Name,
    key: Ref,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('trustroot.compile'),
    certificateAuthority: z.strictObject({ key: Ref, chain: Ref }),
    timestampAuthority: z.strictObject({ key: Ref, chain: Ref }),
    ctLogs: z.array(Ref).min(1),
    rekorV1: z.array(Ref).min(1),
    rekorV2: z.array(Ref).min(1),
    officers: z.strictObject({ keys: z.array(Ref).min(3), threshold: z.int().min(2) }),
    snapshot: Ref,
    timestamp: Ref,
    issuer: Ref.optional(),
    audit: Ref,
    transcript: Ref,
  }),
  z.strictObject({ ...common, kind: z.literal('trustroot.lint'), of: Ref }),
  z.strictObject({
    ...common,
    kind: z.literal('tuf.build'),
    role: z.enum(['root', 'targets', 'snapshot', 'timestamp']),
    /** Compiled trust files, for root and targets. */
    from: Ref.optional(),
    /** The file that snapshot and timestamp name. */
    of: Ref.optional(),
    /** For root and targets; the online roles live as long as the courier interval wants. */
    validity: Days.optional(),
  }),
  z.strictObject({ ...common, kind: z.literal('tuf.sign'), of: Ref, with: Ref, recovery: SameBytes }),
  z.strictObject({
    ...common,
    kind: z.literal('tuf.assemble'),
    of: Ref,
    signatures: z.array(Ref).min(1),
    /** The root that lists the keys; left out for the root itself. */
    root: Ref.optional(),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('tuf.verify'),
    root: Ref,
    targets: Ref,
    snapshot: Ref,
    timestamp: Ref,
    from: Ref,
  }),
  z.strictObject({ ...common, kind: z.literal('tuf.publish'), repository: Ref }),
  z.strictObject({
    ...common,
    kind: z.literal('artefact.write'),
    of: Ref,
    as: z.enum([
      'certificates',
      'certificate-request',
      'trusted-root',
      'signing-config',
      'signing-config-v2',
      'client-trust-config',
      'rekor-key',
      'ct-key',
      'tuf-file',
      'bootstrap-card',
      'trust-material',
    ]),
    to: FileName,
  }),
]);
export type Step = z.infer<typeof Step>;
export type StepKind = Step['kind'];
export type StepOf<K extends StepKind> = Extract<Step, { kind: K }>;

export const Script = z.strictObject({
  apiVersion: z.literal('ceremony/v1'),
  kind: z.literal('CeremonyScript'),
  metadata: z.strictObject({
    template: z.string().regex(/^[a-z][a-z0-9-]*@\d+$/, 'write name@version'),
    title: z.string().min(1),
  }),
  /** Names of the tokens that the bindings must bind. */
  tokens: z.array(Name).min(1),
  /** The step whose key signs the head of the transcript at the end. */
  transcript: z.strictObject({ key: Ref }),
  steps: z.array(Step).min(1),
});
export type Script = z.infer<typeof Script>;

/** @throws {Fault} ceremony/script naming each wrong key and why */
export function parseScript(text: string): Script {
  return parseStrictYaml(Script, text, 'ceremony/script', 'the ceremony script');
}

export function parseStrictYaml<T>(schema: z.ZodType<T>, text: string, code: string, what: string): T {
  let value: unknown;
  try {
    value = parse(text, { strict: true, uniqueKeys: true });
  } catch (cause) {
    throw new Fault('malformed', code, `${what} is not strict YAML`, { cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new Fault('malformed', code, `${what}: ${z.prettifyError(result.error)}`);
  return result.data;
}
