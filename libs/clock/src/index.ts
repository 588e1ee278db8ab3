/** The clock as evidence: where time starts, what is recorded about it, and the two persons who may declare it. */
import { ClockRecords1795314000000 } from './clock-tables.js';

export { ClockModule } from './clock.module.js';
export { type ClockRecord, type ClockRecordQuery, ClockRecordStore } from './clock-record-store.js';
export { DeclareTime, type DeclareTimePorts, type Persons, type Word } from './declare-time.js';
export { describeReport } from './describe-report.js';
export { type MachineClocks, openTime } from './open-time.js';

export const migrations = [ClockRecords1795314000000];
