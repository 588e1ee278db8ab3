/**
 * One engine for every append-only log: it sequences, hashes, signs what is durable, and proves what it says. It
 * knows no protocol: what a leaf means and how a checkpoint is spelt is handed in.
 */
import { LogAttachments1795410000000 } from './attachment-table.js';
import { LogVerification1795420000000 } from './fsck/verification-tables.js';
import { LogTables1732200100000 } from './log-tables.js';

export { Tree } from './tree.js';
export { Trees, type TreeSpec, type TreesParts } from './trees.js';
export { newestStampMs } from './newest-stamp.js';
export { TreeModule } from './tree.module.js';
export type { CheckpointFormat } from './checkpoints.js';
export type { KnownTree } from './known-tree.js';
export { checkLeaves, type LeavesChecked, type LeafRange, type TreeUnderCheck } from './fsck/check-leaves.js';
export {
  checkWholeTree,
  ownRunner,
  type CheckState,
  type RangeRunner,
  type TreeReport,
} from './fsck/check-whole-tree.js';
export { ContinuousCheck, type ContinuousCheckParts, type WatchedTree } from './fsck/continuous-check.js';
export type { Coverage, KnownFault } from './fsck/verification-store.js';
export { formatState, parseState } from './fsck/check-state.js';
export type { Claim } from './fsck/derivation.js';
export { formatPlace, type Finding, type Found } from './fsck/finding.js';
export { TileFilesReader } from './fsck/read-tile-files.js';
export { inSnapshot } from './fsck/snapshot.js';
export type { TreeRules } from './fsck/tree-rules.js';
export type { SigningMemory } from './signing-memory.js';
export type { Barrier, Step } from './barrier.js';
export {
  Attachments,
  type AttachmentFacts,
  type KeptAttachment,
  type ListedAttachment,
} from './attachments.js';
export { TreeIndex, type IndexPage, type PickedLeaf } from './tree-index.js';
export { searchKeyHash } from './sequence-batch.js';
export type { Appended, Attachment, NewLeaf, Sequenced, SignedHead, StoredLeaf } from './leaf.js';

export const migrations = [LogTables1732200100000, LogAttachments1795410000000, LogVerification1795420000000];
/** Tables of the hot path are written with COPY and read with SQL; none is an entity. */
export const entities = [] as const;
