/**
 * What the logs can be asked: who signed what, and what was said about it; and how much of it an answer covers.
 *
 * Statements are kept beside the entries that were made of them. Search goes over both faces of the log. The index that
 * both stand on can be derived again from the trees, and is compared with them.
 */
export { coverageOf, type Coverage } from './coverage.js';
export { type Criteria, readDigest, readKey } from './criteria.js';
export { DepositStatement, type Deposited, type DepositParts } from './deposit-statement.js';
export { searchedTrees, type SearchedTree } from './faces.js';
export { SearchModule } from './search.module.js';
export { SearchLogs, type Found, type Hit, type SearchedRange } from './search-logs.js';
export {
  StatementStore,
  type KeptStatement,
  type ListedStatement,
  type WantedEntry,
} from './statement-store.js';
export {
  BEGINNING,
  compareIndex,
  isEqual,
  type Comparison,
  type IndexCounts,
  type IndexPlace,
} from './reindex/compare-index.js';
export type { DifferenceKind, IndexDifference } from './reindex/compare-range.js';
export { formatPlace, parsePlace } from './reindex/index-place.js';
export { MendIndex } from './reindex/mend-index.js';
