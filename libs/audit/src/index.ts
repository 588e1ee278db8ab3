/** What happened and when: the audit trail, and the boundary checkpoints that divide every tree by time. */
export type { AuditEvent } from './audit-event.js';
export { CATALOGUE, type EventCode, type Severity } from './event-catalogue.js';
export { EVENT_PARAMETERS, insertEvents, RecordEvent, type Transaction } from './record-event.js';
export { AuditModule } from './audit.module.js';
export { auditTree, openAuditTree } from './audit-tree.js';
export { DrainOutbox } from './drain-outbox.js';
export { instant } from './boundary/boundary-instants.js';
export {
  BoundaryStore,
  type Boundary,
  type BoundaryGap,
  type BoundaryQuery,
} from './boundary/boundary-store.js';
import { AuditTables1795300000000, AUDIT_TREE } from './audit-tables.js';
import { KeyUseTables1795420000000 } from './uses/use-tables.js';

export { HearUses, type HeardBreak, type HeardUses } from './uses/hear-uses.js';
export { AUDIT_TREE };
export const migrations = [AuditTables1795300000000, KeyUseTables1795420000000];
