/**
 * How a kind of step is done.
 *
 * A step with an effect says first what it is going to do (`intend`): everything that chance decides is
 * decided there, so that after a crash `recover` can look for exactly that effect. A step without `intend`
 * changes nothing that could be half done, and is simply done again.
 */
import type { JsonObject } from '#core/json';
import type { Step, StepKind, StepOf } from './script.js';
import type { Workbench } from './workbench.js';

export interface StepWork<S extends Step> {
  intend?(step: S, bench: Workbench): Promise<JsonObject> | JsonObject;
  perform(step: S, bench: Workbench, intent: JsonObject): Promise<JsonObject> | JsonObject;
  /**
   * After a crash between intent and effect: the result if the effect is there and may stand, `undefined`
   * if the step must be done again, with a new intent. Absent: done again under the same intent.
   */
  recover?(step: S, bench: Workbench, intent: JsonObject): Promise<JsonObject | undefined>;
}

export type StepWorks = { readonly [K in StepKind]: StepWork<StepOf<K>> };
