/**
 * The transparency log in both of its faces: Rekor's v1 and v2 APIs, over one engine and separate trees.
 *
 * Here entries get their meaning: what is checked, what is a duplicate, how an answer reads. Doors only translate.
 */
export {
  depositFacts,
  matchDeposit,
  type DepositChecker,
  type DepositFacts,
  type DepositMatch,
} from './checked-deposit.js';
export { checkEntry, type CheckedEntry, type EntryChecker, type Face } from './checked-entry.js';
export { hashedRekordRequest } from './genesis-entry.js';
export { DEPOSIT_CHECKER, LogModule } from './log.module.js';
export { logTrees } from './log-trees.js';
export { noteFormat } from './note-format.js';
export { openV1Log, openV2Log, type OpeningParts } from './open-logs.js';
export { describeShard, V1Log, type V1Answer, type V1Shard } from './v1/v1-log.js';
export { parameterFault, readLookUps, requestFault, requestObject, type LookUps } from './v1/look-ups.js';
export { formatEntryId, parseEntryId } from './v1/entry-id.js';
export { EntryPromises } from './v1/entry-promises.js';
export { SetStore } from './v1/set-store.js';
export { V2Log, V2Shard, type V2Answer } from './v2/v2-log.js';
export { WorkerEntryChecker, type WorkerOptions } from './worker-entry-checker.js';
