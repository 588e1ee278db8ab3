/** The timestamp authority (RFC 3161): who stamps, when it may, and where every token is written down. */
export { StampTime, type StampTimePorts, type TimestampLedger, type TrustedClock } from './stamp-time.js';
export {
  authorityInForce,
  openedOnce,
  timestampAuthority,
  type TimestampAuthority,
} from './timestamp-authority.js';
export { LEDGER_TREE, ledgerChecker, ledgerFormat, ledgerTree, openLedger, TreeLedger, type LedgerTree } from './tree-ledger.js';
export { TIMESTAMP_LEDGER, TimestampModule } from './timestamp.module.js';
