/**
 * The record of what this CA set out to sign, and why.
 *
 * A row is committed before the key is used and never changes: the runtime role can add rows and read them, nothing
 * else. A row without an entry in the certificate log is an attempt that was abandoned; the other way round there is
 * nothing, and an auditor who finds a logged certificate without a row has found misuse of the key.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import type pg from 'pg';
import { sha256 } from '#core/crypto';
import { fromUtf8 } from '#core/octets';
import type { Identity } from '#identity';
import { RUNTIME_ROLE } from '#platform';

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
}

export class PostgresIssuanceJournal implements IssuanceJournal {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async record({ identity, ...intent }: IssuanceIntent): Promise<void> {
    await this.#pool.query({
      name: 'ca-issuance-record',
      text: `INSERT INTO ca_issuance (serial, decision, reason, issuer, token_issuer, subject, issuer_type, san,
               token_sha256, claims, key_sha256, ca_sha256, draft)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
      values: [
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
    });
  }
}
