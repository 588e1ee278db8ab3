/**
 * Two persons tell the time.
 *
 *   1. prove    each one is who they say, by their own password; they are two
 *   2. place    what their clock showed is set against the steady clock at the moment it arrives
 *   3. record   both words and who gave them are evidence before they count, in one transaction with the audit event
 *   4. hold     from then on the declared time is one voice among the sources, for a bounded time
 *
 * A declaration that is not recorded does not count.
 */
import type { Pool } from 'pg';
import type { RecordEvent } from '#audit';
import { Fault } from '#core/fault';
import { type ClockReport, type ClockWatch, DeclaredSource } from '#platform';
import { addRecord } from './clock-record-store.js';

/** Who may declare. */
export interface Persons {
  /** The e-mail address of whoever this is. @throws {Fault} if the password is not theirs */
  prove(email: string, password: string): Promise<{ readonly accountId: string; readonly email: string }>;
}

export interface Word {
  readonly email: string;
  readonly password: string;
  /** What their clock shows, milliseconds since 1970. */
  readonly timeMs: number;
  /** How far it may be off, in milliseconds. */
  readonly withinMs: number;
}

export interface DeclareTimePorts {
  readonly pool: Pool;
  readonly record: RecordEvent;
  readonly watch: ClockWatch;
  readonly persons: Persons;
}

export class DeclareTime {
  readonly #ports: DeclareTimePorts;

  constructor(ports: DeclareTimePorts) {
    this.#ports = ports;
  }

  /** @throws {Fault} clock/no-declared-source, or why the person is not believed */
  async declare(word: Word): Promise<ClockReport> {
    const source = this.#source();
    const person = await this.#ports.persons.prove(word.email, word.password);
    await this.#record('declared', person.email, word);
    source.declare({ person: person.accountId, timeMs: word.timeMs, withinMs: word.withinMs });
    return this.#ports.watch.trust.report();
  }

  /** @throws {Fault} clock/no-declared-source, clock/nothing-declared, clock/same-person, clock/declarations-differ */
  async confirm(word: Word): Promise<ClockReport> {
    const source = this.#source();
    const { watch, persons } = this.#ports;
    const person = await persons.prove(word.email, word.password);
    await this.#record('confirmed', person.email, word);
    source.confirm({ person: person.accountId, timeMs: word.timeMs, withinMs: word.withinMs });
    await watch.look();
    return watch.trust.report();
  }

  #source(): DeclaredSource {
    const source = this.#ports.watch.sources.find((one) => one instanceof DeclaredSource);
    if (source === undefined) {
      throw new Fault(
        'refused',
        'clock/no-declared-source',
        'the settings list no source of kind declared under clock.sources; add one, and restart',
      );
    }
    return source;
  }

  async #record(what: 'declared' | 'confirmed', email: string, word: Word): Promise<void> {
    const { pool, record, watch } = this.#ports;
    const said = { person: email, time: new Date(word.timeMs).toISOString(), withinMs: word.withinMs };
    const client = await pool.connect();
    let broken = true;
    try {
      await client.query('BEGIN');
      await addRecord(client, record.node, what, watch.trust.report(), { said });
      await record.within(client, {
        code: 'clock.declared',
        outcome: what === 'declared' ? 'intended' : 'success',
        actor: { type: 'person', id: email },
        resource: { type: 'clock', id: record.node },
        details: said,
      });
      await client.query('COMMIT');
      broken = false;
    } finally {
      client.release(broken);
    }
  }
}
