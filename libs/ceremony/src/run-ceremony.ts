/**
 * How a ceremony runs.
 *
 *   1. compile   script and parameters become a plan without a choice left in it; its hash names it
 *   2. open      the plan is written down and the transcript begins: mode and plan hash in its first line.
 *                An interrupted run of the same script is taken up instead, with its own plan
 *   3. steps     in order. One with an effect is announced in the transcript, durably, and only then done;
 *                its result is written down before the next begins
 *   4. close     the last line; then the transcript key signs the head of all lines
 *
 * A run that was interrupted has at most one announced step without a result. What its kind says about
 * recovery decides whether the effect may stand, must be made again, or needs people.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, isFault } from '#core/fault';
import { isJsonObject, type JsonObject } from '#core/json';
import { keyHint, formatCheckpoint, signNote, v2LogId } from '#core/note';
import { parsePublicKey } from '#core/crypto';
import { fromUtf8, toHex } from '#core/octets';
import type { Instance } from '#instance';
import type { Clock } from '#platform';
import { instantText } from '#trust-root';
import type { Bindings } from './bindings.js';
import { compilePlan, modeOf, Plan, planHash } from './compile-plan.js';
import { parseScript, type Step } from './script.js';
import type { StepWork } from './step-work.js';
import { STEP_WORKS } from './steps/index.js';
import { writeDurably } from './steps/artefacts.js';
import { Transcript } from './transcript.js';
import { EVALUATION_MARK, Workbench, type Tokens } from './workbench.js';

export interface CeremonyOrder {
  /** Text of the script, as `ceremony/genesis.yaml`. */
  readonly script: string;
  readonly instance: Instance;
  readonly bindings: Pick<Bindings, 'adopt' | 'authorities'>;
  /** Opened on the tokens of the bindings. */
  readonly hsm: Tokens;
  readonly stateDir: string;
  readonly clock: Clock;
  /** RFC 3339, UTC, whole seconds; default: now. A date of everything the ceremony makes, so fixed in the plan. */
  readonly notBefore?: string;
  /** Part of every certificate's name; default `G1`, in an evaluation with a random part. */
  readonly generation?: string;
  readonly progress?: (progress: Progress) => void;
}

export interface Progress {
  readonly step: string;
  readonly say: string;
  /** Number of this step, from 1, and of all. */
  readonly at: number;
  readonly of: number;
  readonly state: 'begins' | 'done' | 'known';
}

export interface CeremonyOutcome {
  readonly runId: string;
  /** `closed` now, or `closed-before`: this ceremony was held already and nothing was done. */
  readonly status: 'closed' | 'closed-before';
  readonly resumed: boolean;
  readonly planHash: string;
  /** SHA-256 of the last line of the transcript. */
  readonly transcriptHead: string;
  readonly directory: string;
}

/**
 * Runs the script to its end, or on from where an interruption left it.
 *
 * @throws {Fault} ceremony/…; of kind `unavailable` when a token is away: run again to go on
 */
export async function runCeremony(order: CeremonyOrder): Promise<CeremonyOutcome> {
  const script = parseScript(order.script);
  const base = join(order.stateDir, 'ceremonies');
  await mkdir(base, { recursive: true, mode: 0o700 });
  const [template = ''] = script.metadata.template.split('@');
  const before = await findRun(base, template);
  const boot = toHex(randomBytes(8));
  const runId = before ?? newRunId(template, order.clock);
  const directory = join(base, runId);

  const plan = before === undefined ? await draftPlan(order, base, runId) : await readPlan(directory);
  refuseRehearsal(plan);
  const transcript = await Transcript.open(join(directory, 'transcript.jsonl'), order.clock, boot);
  try {
    const hash = planHash(plan);
    const bench = new Workbench({
      plan,
      hsm: order.hsm,
      clock: order.clock,
      stateDir: order.stateDir,
      runDirectory: directory,
    });
    const resumed = transcript.entries.length > 0;
    const closed = transcript.entries.at(-1)?.type === 'closed';
    if (!resumed) await transcript.append('opened', '', openingOf(plan, hash, runId));
    assertPlan(transcript, hash);
    if (!closed) {
      if (resumed) await transcript.append('resumed', '', {});
      await runSteps(bench, transcript, order.progress);
      await transcript.append('closed', '', { planHash: hash });
    }
    settleAll(bench, transcript);
    if (!(await exists(directory, 'transcript.note'))) await signHead(bench, transcript, directory, runId);
    const status = closed ? 'closed-before' : 'closed';
    return { runId, status, resumed, planHash: hash, transcriptHead: transcript.head, directory };
  } finally {
    await transcript.close();
  }
}

function newRunId(template: string, clock: Clock): string {
  const at = instantText(clock.nowMs()).replaceAll(/[-:]/g, '');
  return `${template}-${at}-${randomBytes(2).toString('hex')}`;
}

/** The newest run of this script; a ceremony like genesis is held once in an installation's life. */
async function findRun(base: string, template: string): Promise<string | undefined> {
  const runs = (await readdir(base)).filter((name) => name.startsWith(`${template}-`)).toSorted();
  for (const run of runs.toReversed()) if (await exists(join(base, run), 'plan.json')) return run;
  return undefined;
}

async function draftPlan(order: CeremonyOrder, base: string, runId: string): Promise<Plan> {
  const evaluation = order.instance.mode === 'evaluation';
  const plan = compilePlan(order.script, parseScript(order.script), {
    instance: order.instance,
    notBefore: order.notBefore ?? instantText(order.clock.nowMs()),
    // Evaluations are thrown away and made again within a year: without this, two roots would share a name.
    generation: order.generation ?? (evaluation ? `G1-${runId.slice(-4)}` : 'G1'),
    adopt: { ...order.bindings.adopt },
    authorities: {
      code: order.bindings.authorities?.code ?? 'own',
      time: order.bindings.authorities?.time ?? 'own',
    },
  });
  const directory = join(base, runId);
  await mkdir(directory, { mode: 0o700 });
  await writeDurably(directory, 'script.yaml', fromUtf8(order.script));
  await writeDurably(directory, 'plan.json', fromUtf8(`${JSON.stringify(plan, null, 2)}\n`));
  return plan;
}

async function readPlan(directory: string): Promise<Plan> {
  const read = Plan.safeParse(JSON.parse(await readFile(join(directory, 'plan.json'), 'utf8')));
  if (!read.success)
    throw new Fault('corrupt', 'ceremony/plan', 'the plan of the interrupted run cannot be read');
  return read.data;
}

async function exists(directory: string, name: string): Promise<boolean> {
  return (await readdir(directory)).includes(name);
}

/** A rehearsal needs clients that refuse what it makes, and tokens of its own; scripts for it come with them. */
function refuseRehearsal(plan: Plan): void {
  if (modeOf(plan) === 'rehearsal') {
    throw new Fault(
      'refused',
      'ceremony/mode',
      'this script makes things that work: use mode evaluation to try it',
    );
  }
}

function openingOf(plan: Plan, hash: string, runId: string): JsonObject {
  const mode = modeOf(plan);
  return {
    runId,
    template: plan.template,
    title: plan.title,
    mode,
    ...(mode === 'evaluation' ? { mark: EVALUATION_MARK } : {}),
    planHash: hash,
    scriptSha256: plan.script,
  };
}

function assertPlan(transcript: Transcript, hash: string): void {
  if (transcript.entries[0]?.body['planHash'] !== hash) {
    throw new Fault(
      'corrupt',
      'ceremony/plan',
      'the plan on disk is not the one that this transcript began with',
    );
  }
}

/** Takes the results of finished steps from the transcript, which is the only place where they stand. */
function settleAll(bench: Workbench, transcript: Transcript): void {
  for (const { type, step, body } of transcript.entries) {
    if ((type === 'effect' || type === 'observation') && isJsonObject(body['result']))
      bench.settle(step, body['result']);
  }
}

async function runSteps(
  bench: Workbench,
  transcript: Transcript,
  progress: CeremonyOrder['progress'],
): Promise<void> {
  settleAll(bench, transcript);
  const { steps } = bench.plan;
  for (const [at, step] of steps.entries()) {
    const tell = (state: Progress['state']) =>
      progress?.({ step: step.id, say: step.say, at: at + 1, of: steps.length, state });
    if (bench.isSettled(step.id)) {
      tell('known');
      continue;
    }
    tell('begins');
    await runStep(step, bench, transcript);
    tell('done');
  }
}

async function runStep(step: Step, bench: Workbench, transcript: Transcript): Promise<void> {
  // The registry pairs each kind with its own work; the compiler cannot follow that through a union.
  const work = STEP_WORKS[step.kind] as StepWork<Step>;
  try {
    const announced = openIntent(step, transcript);
    const recovered = announced === undefined ? undefined : await work.recover?.(step, bench, announced);
    const result = recovered ?? (await perform(step, work, bench, transcript, announced));
    await transcript.append(work.intend === undefined ? 'observation' : 'effect', step.id, { result });
    bench.settle(step.id, result);
  } catch (error) {
    const what = isFault(error) ? { code: error.code, message: error.message } : { code: 'defect' };
    await transcript.append('exception', step.id, what);
    throw error;
  }
}

async function perform(
  step: Step,
  work: StepWork<Step>,
  bench: Workbench,
  transcript: Transcript,
  announced: JsonObject | undefined,
): Promise<JsonObject> {
  if (work.intend === undefined) return work.perform(step, bench, {});
  // Where recovery found nothing, a new intent: what chance decided for the old one is not used twice.
  const again = announced !== undefined && work.recover === undefined;
  const intent = again ? announced : await work.intend(step, bench);
  if (!again) await transcript.append('intent', step.id, intent);
  return work.perform(step, bench, intent);
}

/** The newest announcement of a step that has no result: its effect may exist. */
function openIntent(step: Step, transcript: Transcript): JsonObject | undefined {
  return transcript.entries.findLast((entry) => entry.step === step.id && entry.type === 'intent')?.body;
}

/** The head of the Merkle tree over all lines, as a checkpoint signed by the transcript key. */
async function signHead(
  bench: Workbench,
  transcript: Transcript,
  directory: string,
  runId: string,
): Promise<void> {
  const origin = `${bench.plan.parameters.instance.name}/ceremonies/${runId}`;
  const { size, root } = transcript.treeHead;
  const text = formatCheckpoint({ origin, size, root });
  const signer = await bench.signer(bench.plan.transcriptKey, 'transcript');
  const hint = keyHint(v2LogId(origin, parsePublicKey(signer.spki)));
  const note = signNote(text, origin, hint, await signer.sign(fromUtf8(text)));
  await writeDurably(directory, 'transcript.note', fromUtf8(note));
}
