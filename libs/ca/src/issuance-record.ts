/**
 * The record of what this CA set out to sign, and why.
 *
 * A row is committed before the key is used (together with the rows of whoever else asks at the same moment: one flush
 * of the database's log makes all of them durable) and never changes: the runtime role can add rows and read them, nothing
 * else. A row without an entry in the certificate log is an attempt that was abandoned; the other way round there is
 * nothing, and an auditor who finds a logged certificate without a row has found misuse of the key. The audit event of
 * the same statement says so in a tree that not even the owner of the tables can shorten.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import type pg from 'pg';
import { sha256 } from '#core/crypto';
import type { Fault } from '#core/fault';
import type { JsonObject } from '#core/json';
import { fromUtf8, toHex } from '#core/octets';
import { type AuditEvent, EVENT_PARAMETERS, insertEvents, type RecordEvent } from '#audit';
import type { Identity } from '#identity';
import { RUNTIME_ROLE } from '#platform';
import { GroupedWrites } from './grouped-writes.js';

export class CaIssuance1763700100000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE ca_issuance (
        serial       bytea PRIMARY KEY,
        recorded_at  timestamptz NOT NULL DEFAULT now(),
        decision     text NOT NULL CHECK (decision IN ('issue', 'refuse')),
        reason       text,
        issuer       text NOT NULL,
        token_issuer text NOT NULL,
        subject      text NOT NULL,
        issuer_type  text NOT NULL,
        san          text NOT NULL,
        token_sha256 bytea NOT NULL,
        claims       jsonb NOT NULL,
        key_sha256   bytea NOT NULL,
        ca_sha256    bytea NOT NULL,
        draft        bytea NOT NULL
      )`);
    await runner.query('CREATE INDEX ca_issuance_recorded ON ca_issuance (recorded_at)');
    await runner.query('CREATE INDEX ca_issuance_subject ON ca_issuance (issuer, san)');
    await runner.query(`GRANT SELECT, INSERT ON ca_issuance TO ${RUNTIME_ROLE}`);
  }

  async down(): Promise<void> {
    throw new Error('there is no way down: restore a backup');
  }
}

export interface IssuanceIntent {
  /** As it stands in the certificate. */
  readonly serial: Uint8Array;
  readonly decision: 'issue' | 'refuse';
  /** Why not, for `refuse`. */
  readonly reason?: string;
  readonly identity: Identity;
  /** The bearer token: only its hash is kept. */
  readonly token: string;
  /** SubjectPublicKeyInfo of the requester. */
  readonly spki: Uint8Array;
  /** DER of the issuing certificate. */
  readonly ca: Uint8Array;
  /** TBS of the precertificate. */
  readonly draft: Uint8Array;
}

export interface IssuanceJournal {
  /** Resolves once durable; callers must not use the key before. */
  record(intent: IssuanceIntent): Promise<void>;
  /** Somebody whose identity is proven got no certificate, for another reason than the lints'. */
  denied(identity: Identity, fault: Fault): Promise<void>;
}

/** Per issuer of identity tokens, as genesis fixed it; `as-is` where nothing is said. */
export type SubjectPrivacy = Readonly<Record<string, 'as-is' | 'pseudonym'>>;

/** The audit trail is for ever, so a subject that policy hides is not in it: the serial number leads to the row. */
function identityOf(identity: Identity, privacy: SubjectPrivacy): JsonObject {
  const { issuer, tokenIssuer, type, san, subject } = identity;
  const hidden = [issuer, tokenIssuer].some((one) => privacy[one] === 'pseudonym');
  return { issuer, tokenIssuer, type, ...(hidden ? { hidden: true } : { san, subject }) };
}

function issuanceEvent(intent: IssuanceIntent, privacy: SubjectPrivacy): AuditEvent {
  const { decision, reason, identity, token, serial, spki, ca } = intent;
  return {
    code: decision === 'issue' ? 'ca.cert.issued' : 'ca.cert.lint_failed',
    outcome: decision === 'issue' ? 'intended' : 'failure',
    ...(reason === undefined ? {} : { reason: reason.slice(0, 2000) }),
    identity: identityOf(identity, privacy),
    cert: {
      serial: toHex(serial),
      spkiSha256: toHex(sha256(spki)),
      issuerSha256: toHex(sha256(ca)),
    },
    // Enough to find the request in the log of the identity provider, useless to whoever wants the token.
    details: { tokenSha256: toHex(sha256(fromUtf8(token))).slice(0, 16) },
  };
}

/** Rows of one statement; what comes meanwhile waits for the next. */
const MOST_TOGETHER = 16;
const COLUMNS = [
  ...['serial', 'decision', 'reason', 'issuer', 'token_issuer', 'subject', 'issuer_type', 'san'],
  ...['token_sha256', 'claims', 'key_sha256', 'ca_sha256', 'draft'],
];

interface Prepared {
  readonly row: readonly unknown[];
  readonly event: readonly unknown[];
}

/** One statement, hence one transaction in one round trip: rows and audit events, or nothing. */
function recordStatement(count: number): { readonly name: string; readonly text: string } {
  const places = (first: number, width: number): string =>
    Array.from({ length: count }, (_, at) => {
      const start = first + at * width;
      return `(${Array.from({ length: width }, (_column, column) => `$${start + column}`).join(', ')})`;
    }).join(', ');
  return {
    name: `ca-issuance-record-${count}`,
    text: `WITH recorded AS (
             INSERT INTO ca_issuance (${COLUMNS.join(', ')}) VALUES ${places(1, COLUMNS.length)})
           ${insertEvents(places(1 + count * COLUMNS.length, EVENT_PARAMETERS))}`,
  };
}

const STATEMENTS = Array.from({ length: MOST_TOGETHER }, (_, at) => recordStatement(at + 1));

/** A value or a constraint that the database refuses: classes 22 and 23 of SQLSTATE. */
function ofOneRow(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^2[23]/.test(String(error.code));
}

export class PostgresIssuanceJournal implements IssuanceJournal {
  readonly #pool: pg.Pool;
  readonly #audit: RecordEvent;
  readonly #privacy: SubjectPrivacy;
  readonly #writes: GroupedWrites<Prepared>;

  constructor(pool: pg.Pool, audit: RecordEvent, privacy: SubjectPrivacy) {
    this.#pool = pool;
    this.#audit = audit;
    this.#privacy = privacy;
    this.#writes = new GroupedWrites({
      write: (items) => this.#write(items),
      ofOneItem: ofOneRow,
      most: MOST_TOGETHER,
    });
  }

  async record(whole: IssuanceIntent): Promise<void> {
    const { identity, ...intent } = whole;
    await this.#writes.add({
      row: [
        intent.serial,
        intent.decision,
        intent.reason ?? null,
        identity.issuer,
        identity.tokenIssuer,
        identity.subject,
        identity.type,
        identity.san,
        sha256(fromUtf8(intent.token)),
        JSON.stringify(identity.claims),
        sha256(intent.spki),
        sha256(intent.ca),
        intent.draft,
      ],
      event: this.#audit.values(issuanceEvent(whole, this.#privacy)),
    });
  }

  async #write(items: readonly Prepared[]): Promise<void> {
    const statement = STATEMENTS[items.length - 1];
    if (statement === undefined) throw new RangeError(`no statement for ${items.length} rows`);
    await this.#pool.query({
      ...statement,
      values: [...items.flatMap(({ row }) => row), ...items.flatMap(({ event }) => event)],
    });
  }

  async denied(identity: Identity, fault: Fault): Promise<void> {
    await this.#audit.within(this.#pool, {
      code: fault.code === 'ca/no-promise' ? 'ca.cert.sct_failed' : 'ca.cert.denied',
      outcome: 'failure',
      reason: fault.message,
      identity: identityOf(identity, this.#privacy),
      details: { fault: fault.code },
    });
  }
}
