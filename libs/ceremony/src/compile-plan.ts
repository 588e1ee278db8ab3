/**
 * From script and parameters to the plan that runs.
 *
 * The plan has no placeholders, no conditions and no defaults left: every step, every name, every date is
 * written out. Its hash, over RFC 8785 canonical JSON, is what people approve and what the transcript begins
 * with. What cannot be right is refused here, before any token is touched:
 *
 *   - a reference to a step that is missing, later, or of a kind that cannot answer it
 *   - a certificate that is signed without having been linted
 *   - a token that is not declared, an adopted key that no step asks for
 */
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { canonicalJson, type JsonObject, type JsonValue } from '#core/json';
import { fromUtf8, toHex } from '#core/octets';
import { Instance, type Mode } from '#instance';
import { z } from 'zod';
import { Step, type Script, type StepKind } from './script.js';

const Authority = z.enum(['own', 'external']);
/** Whether the root above our intermediates is made here or belongs to somebody else. */
export const Authorities = z.strictObject({ code: Authority, time: Authority });
export type Authorities = z.infer<typeof Authorities>;

export const PlanParameters = z.strictObject({
  instance: Instance,
  /** First instant of everything this ceremony makes: RFC 3339, UTC, whole seconds. */
  notBefore: z.iso.datetime({ precision: 0 }),
  /** Part of every subject, so that no name is ever used for two keys. */
  generation: z.string().regex(/^[A-Za-z0-9-]{1,20}$/),
  adopt: z.record(z.string(), z.string()),
  authorities: Authorities,
});
export type PlanParameters = z.infer<typeof PlanParameters>;

export const Plan = z.strictObject({
  apiVersion: z.literal('ceremony/plan/v1'),
  template: z.string(),
  title: z.string(),
  /** SHA-256 of the script's text. */
  script: z.string(),
  parameters: PlanParameters,
  tokens: z.array(z.string()),
  transcriptKey: z.string(),
  steps: z.array(Step),
});
export type Plan = z.infer<typeof Plan>;

/** Which kinds of step can answer a reference. */
const KEYS: readonly StepKind[] = ['key.generate', 'key.adopt'];
const CERTIFICATES: readonly StepKind[] = ['x509.sign', 'x509.accept'];
const ANSWERS: Readonly<Record<StepKind, Readonly<Record<string, readonly StepKind[]>>>> = {
  'hsm.inventory': { against: ['hsm.inventory'] },
  'key.generate': {},
  'key.adopt': {},
  'x509.build': { key: KEYS, issuer: CERTIFICATES },
  'x509.lint': { of: ['x509.build'] },
  'x509.sign': { of: ['x509.build'], with: KEYS },
  'x509.chain': { certificates: CERTIFICATES },
  'x509.request': { key: KEYS },
  'x509.accept': { key: KEYS },
  'log.key': { key: KEYS },
  'trustroot.compile': {
    'certificateAuthority.key': KEYS,
    'certificateAuthority.chain': ['x509.chain'],
    'timestampAuthority.key': KEYS,
    'timestampAuthority.chain': ['x509.chain'],
    ctLogs: ['log.key'],
    rekorV1: ['log.key'],
    rekorV2: ['log.key'],
    'officers.keys': KEYS,
    snapshot: KEYS,
    timestamp: KEYS,
    issuer: KEYS,
    audit: KEYS,
    transcript: KEYS,
  },
  'trustroot.lint': { of: ['trustroot.compile'] },
  'tuf.build': { from: ['trustroot.compile'], of: ['tuf.assemble'] },
  'tuf.sign': { of: ['tuf.build'], with: KEYS },
  'tuf.assemble': { of: ['tuf.build'], signatures: ['tuf.sign'], root: ['tuf.assemble'] },
  'tuf.verify': {
    root: ['tuf.assemble'],
    targets: ['tuf.assemble'],
    snapshot: ['tuf.assemble'],
    timestamp: ['tuf.assemble'],
    from: ['trustroot.compile'],
  },
  'tuf.publish': { repository: ['tuf.verify'] },
  'artefact.write': { of: ['x509.chain', 'x509.request', 'trustroot.compile', 'tuf.assemble'] },
};

/** The values of each placeholder. One with several values makes one step, or one list member, of each. */
function placeholders({ instance, notBefore, generation }: PlanParameters): Map<string, readonly string[]> {
  const { ct, rekorV1, rekorV2 } = instance.services;
  return new Map([
    ['ctShard', ct.map(({ name }) => name)],
    ['rekorV1Shard', rekorV1.shards.map(({ name }) => name)],
    ['rekorV2Shard', rekorV2.map(({ name }) => name)],
    ['year', [notBefore.slice(0, 4)]],
    ['generation', [generation]],
  ]);
}

const PLACEHOLDER = /\{([a-zA-Z0-9]+)\}/;

/** `text` once for each combination of values; a placeholder nobody knows is an error. */
function expand(text: string, values: ReadonlyMap<string, readonly string[]>): string[] {
  const name = PLACEHOLDER.exec(text)?.[1];
  if (name === undefined) return [text];
  const known = values.get(name);
  if (known === undefined) throw refused(`{${name}} is not a placeholder`);
  return known.flatMap((value) => expand(text.replaceAll(`{${name}}`, value), values));
}

/** Writes the values into every text below `value`; list members with several values become several. */
function fill(value: JsonValue, values: ReadonlyMap<string, readonly string[]>): JsonValue {
  if (typeof value === 'string') {
    const all = expand(value, values);
    const [only] = all;
    if (only === undefined || all.length > 1)
      throw refused(`"${value}" stands for several values where one belongs`);
    return only;
  }
  if (Array.isArray(value)) {
    return value.flatMap((member: JsonValue) =>
      typeof member === 'string' ? expand(member, values) : [fill(member, values)],
    );
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, fill(member as JsonValue, values)]),
    );
  }
  return value;
}

/** One step for each value of the placeholder in its id, which then means that value everywhere in it. */
function expandStep(step: Step, values: ReadonlyMap<string, readonly string[]>): Step[] {
  const name = PLACEHOLDER.exec(step.id)?.[1];
  const alternatives =
    name === undefined
      ? [values]
      : (values.get(name) ?? []).map((one) => new Map([...values, [name, [one]]]));
  if (alternatives.length === 0) throw refused(`{${name}} in "${step.id}" is not a placeholder`);
  return alternatives.map((bound) => Step.parse(fill(step as unknown as JsonValue, bound)));
}

export function compilePlan(scriptText: string, script: Script, parameters: PlanParameters): Plan {
  const values = placeholders(parameters);
  const facts: NonNullable<Step['when']> = {
    issuer: parameters.instance.services.oidc === undefined ? 'none' : 'built-in',
    codeAuthority: parameters.authorities.code,
    timeAuthority: parameters.authorities.time,
  };
  const written = script.steps.flatMap((step) => expandStep(step, values));
  const [kept, left] = [
    written.filter((step) => holds(step, facts)),
    written.filter((step) => !holds(step, facts)),
  ];
  // Two steps may share an id under opposite conditions: what one is left out for, the other takes over.
  const absent = new Set(left.map(({ id }) => id).filter((id) => !kept.some((step) => step.id === id)));
  const steps = kept.map((step) => adopt(withoutAbsent(settle(step), absent), parameters.adopt));
  const plan: Plan = {
    apiVersion: 'ceremony/plan/v1',
    template: script.metadata.template,
    title: script.metadata.title,
    script: toHex(sha256(fromUtf8(scriptText))),
    parameters,
    tokens: script.tokens,
    transcriptKey: script.transcript.key,
    steps,
  };
  lintPlan(plan);
  return plan;
}

function holds({ when = {} }: Step, facts: NonNullable<Step['when']>): boolean {
  return (
    (when.issuer ?? facts.issuer) === facts.issuer &&
    (when.codeAuthority ?? facts.codeAuthority) === facts.codeAuthority &&
    (when.timeAuthority ?? facts.timeAuthority) === facts.timeAuthority
  );
}

/** A condition that held has no meaning left. */
function settle(step: Step): Step {
  const { when: _held, ...rest } = step;
  return rest as Step;
}

/** An optional reference to a step that a condition left out goes with it. */
function withoutAbsent(step: Step, left: ReadonlySet<string>): Step {
  if (step.kind !== 'trustroot.compile' || step.issuer === undefined || !left.has(step.issuer)) return step;
  const { issuer: _absent, ...rest } = step;
  return rest;
}

function adopt(step: Step, adopted: Readonly<Record<string, string>>): Step {
  const uri = adopted[step.id];
  if (uri === undefined || step.kind !== 'key.generate') return step;
  const { id, say, on, label, algorithm } = step;
  return { id, say, on, label, algorithm, uri, kind: 'key.adopt' };
}

/** Each reference of a step: the field, and the steps it names. */
function references(step: Step): (readonly [string, readonly string[]])[] {
  return Object.keys(ANSWERS[step.kind]).flatMap((field) => {
    let value: unknown = step;
    for (const part of field.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
    if (value === undefined) return [];
    return [[field, Array.isArray(value) ? (value as string[]) : [value as string]] as const];
  });
}

function lintPlan(plan: Plan): void {
  const earlier = new Map<string, Step>();
  const linted = new Set<string>();
  for (const step of plan.steps) {
    if (earlier.has(step.id)) throw refused(`two steps are called "${step.id}"`);
    for (const [field, names] of references(step)) {
      const kinds = ANSWERS[step.kind][field] ?? [];
      for (const name of names) {
        const target = earlier.get(name);
        if (target === undefined || !kinds.includes(target.kind)) {
          throw refused(
            `${field} of "${step.id}" must name an earlier step of kind ${kinds.join(' or ')}, not "${name}"`,
          );
        }
      }
    }
    if ('on' in step && !plan.tokens.includes(step.on))
      throw refused(`"${step.id}" uses the undeclared token "${step.on}"`);
    if (step.kind === 'x509.lint') linted.add(step.of);
    if (step.kind === 'x509.sign' && !linted.has(step.of))
      throw refused(`"${step.id}" signs what was not linted`);
    lintTufBuild(step);
    earlier.set(step.id, step);
  }
  const key = earlier.get(plan.transcriptKey);
  if (key === undefined || !KEYS.includes(key.kind))
    throw refused('transcript.key must name a step that has a key');
  for (const id of Object.keys(plan.parameters.adopt)) {
    if (earlier.get(id)?.kind !== 'key.adopt')
      throw refused(`the bindings adopt a key for "${id}", which makes none`);
  }
}

function lintTufBuild(step: Step): void {
  if (step.kind !== 'tuf.build') return;
  const offline = step.role === 'root' || step.role === 'targets';
  const complete = offline
    ? step.from !== undefined && step.validity !== undefined && step.of === undefined
    : step.of !== undefined && step.validity === undefined && step.from === undefined;
  if (!complete) {
    throw refused(
      `"${step.id}": root and targets take \`from\` and \`validity\`, snapshot and timestamp take \`of\``,
    );
  }
}

/** SHA-256 over the canonical JSON of the plan, lower-case hex. */
export function planHash(plan: Plan): string {
  return toHex(sha256(canonicalJson(plan as unknown as JsonObject)));
}

export function modeOf(plan: Plan): Mode {
  return plan.parameters.instance.mode;
}

function refused(message: string): Fault {
  return new Fault('refused', 'ceremony/plan', `the plan does not compile: ${message}`);
}
