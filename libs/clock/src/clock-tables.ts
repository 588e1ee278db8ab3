/** Records about the clock, as evidence: the running role can add them, and never change or remove one. */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { RUNTIME_ROLE } from '#platform';

export class ClockRecords1795314000000 implements MigrationInterface {
  readonly name = 'ClockRecords1795314000000';

  async up(runner: QueryRunner): Promise<void> {
    // `recorded_at` is the clock of the database's host: one more witness, believed by nobody and compared by auditors.
    await runner.query(`
      CREATE TABLE clock_record (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        node text NOT NULL,
        believed_ms bigint NOT NULL,
        machine_ms bigint NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        what text NOT NULL,
        standing text NOT NULL,
        body jsonb NOT NULL
      )`);
    await runner.query('CREATE INDEX clock_record_believed ON clock_record (believed_ms, id)');
    await runner.query(`GRANT SELECT, INSERT ON clock_record TO ${RUNTIME_ROLE}`);
  }

  /** Evidence stays. */
  down(): Promise<void> {
    return Promise.reject(new Error('records about the clock cannot be dropped by a migration'));
  }
}
