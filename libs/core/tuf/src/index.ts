export { readTufKey, tufKey, tufKeyId, type TufKey } from './key.js';
export { lintRoot, type TufFinding } from './lint.js';
export {
  draftRoot,
  draftSnapshot,
  draftTargets,
  draftTimestamp,
  formatTufFile,
  parseTufFile,
  ROLE_NAMES,
  signingInput,
  tufSignature,
  type AnySigned,
  type FileFacts,
  type RoleName,
  type RootPlan,
  type RootSigned,
  type SigstoreCustom,
  type SnapshotSigned,
  type TargetFacts,
  type TargetPlan,
  type TargetsSigned,
  type TimestampSigned,
  type TufFile,
  type TufSignature,
} from './metadata.js';
export { verifyRepository, verifyTufFile, type RepositoryFiles } from './verify.js';
