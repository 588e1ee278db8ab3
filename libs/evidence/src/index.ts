/** What an auditor is shown: so far, whether everything that was signed stands in a book. */
export { EvidenceModule, RECONCILE_USES } from './evidence.module.js';
export {
  type Book,
  type Reconciled,
  type Reconciliation,
  reconcileUses,
  type ReconcilePorts,
  type Relation,
  type Verdict,
} from './reconcile-uses.js';
