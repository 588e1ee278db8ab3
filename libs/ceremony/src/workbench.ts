/**
 * What a step can see and touch: the plan, the results of earlier steps, the tokens, and the two places
 * where it may write. Nothing else of the machine.
 */
import { join } from 'node:path';
import type { z } from 'zod';
import { Fault } from '#core/fault';
import type { JsonObject } from '#core/json';
import { fromBase64 } from '#core/octets';
import type { Hsm, PlainPurpose, Signer } from '#hsm';
import type { Mode } from '#instance';
import type { Clock } from '#platform';
import type { Plan } from './compile-plan.js';
import { KeyResult } from './results.js';

/** What every certificate of an evaluation says about itself, in place of the organisation's name. */
export const EVALUATION_MARK = 'AIRSEAL EVALUATION - DO NOT TRUST';
export const REHEARSAL_MARK = 'REHEARSAL - DO NOT TRUST';

/** What a ceremony asks of the tokens; an opened `Hsm` can all of it. */
export type Tokens = Pick<Hsm, 'generate' | 'adopt' | 'destroy' | 'inventory' | 'random' | 'signer'>;

export class Workbench {
  readonly plan: Plan;
  readonly hsm: Tokens;
  readonly clock: Clock;
  readonly stateDir: string;
  /** Where this run keeps its plan, its transcript and what it is handed. */
  readonly runDirectory: string;
  readonly #results = new Map<string, JsonObject>();

  constructor(parts: { plan: Plan; hsm: Tokens; clock: Clock; stateDir: string; runDirectory: string }) {
    this.plan = parts.plan;
    this.hsm = parts.hsm;
    this.clock = parts.clock;
    this.stateDir = parts.stateDir;
    this.runDirectory = parts.runDirectory;
  }

  get mode(): Mode {
    return this.plan.parameters.instance.mode;
  }

  /** Where what verifiers and the appliance read is written. */
  get trustDirectory(): string {
    return join(this.stateDir, 'trust');
  }

  /** The name written as O= into certificates: the mode's mark, where the mode has one. */
  get organisation(): string {
    if (this.mode === 'evaluation') return EVALUATION_MARK;
    return this.mode === 'rehearsal' ? REHEARSAL_MARK : this.plan.parameters.instance.organisation;
  }

  settle(step: string, result: JsonObject): void {
    this.#results.set(step, result);
  }

  isSettled(step: string): boolean {
    return this.#results.has(step);
  }

  /** The result of an earlier step, read through its schema. */
  result<T>(step: string, schema: z.ZodType<T>): T {
    const read = schema.safeParse(this.#results.get(step));
    if (!read.success) {
      throw new Fault(
        'corrupt',
        'ceremony/result',
        `the transcript holds no usable result of the step "${step}"`,
      );
    }
    return read.data;
  }

  key(step: string): KeyResult {
    return this.result(step, KeyResult);
  }

  /** A signer for the key that `step` made or adopted; the token is asked whether it still is that key. */
  signer(step: string, purpose: PlainPurpose): Promise<Signer> {
    const { uri, algorithm, spki } = this.key(step);
    return this.hsm.signer(uri, purpose, { algorithm, spki: fromBase64(spki) });
  }
}
