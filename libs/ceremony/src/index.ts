export { parseBindings, type Bindings } from './bindings.js';
export { compilePlan, Plan, planHash, PlanParameters } from './compile-plan.js';
export { runCeremony, type CeremonyOrder, type CeremonyOutcome, type Progress } from './run-ceremony.js';
export { parseScript, Script, Step, type StepKind } from './script.js';
export { Transcript, type Entry, type EntryType } from './transcript.js';
export { EVALUATION_MARK, type Tokens } from './workbench.js';
