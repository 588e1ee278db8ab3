/**
 * The provider library's records in PostgreSQL, so that any replica can finish what another began.
 *
 * A client is not a record: it is a machine identity, read from its own table at each request, so that a
 * revocation holds at once.
 *
 * A code that a client could exchange for tokens is kept under its hash, as a secret is: who reads the table, or a
 * copy of it, can exchange none. The library also looks device codes up by what the person types; such a record
 * bears `#` and the hash in the place of its name, which the token endpoint takes from nobody.
 */
import { type Adapter, type AdapterPayload, errors, Provider } from 'oidc-provider';
import type pg from 'pg';
import { sha256 } from '#core/crypto';
import { fromUtf8, toHex } from '#core/octets';
import type { MachineIdentities } from './machine-identities.js';
import type { MachineRow } from './issuer-tables.js';

function clientOf(machine: MachineRow): AdapterPayload {
  return {
    client_id: machine.clientId,
    client_name: machine.name,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'openid email',
    ...(machine.publicJwk === null
      ? // Not the secret but its hash: see `compareClientSecret` where the provider is made.
        { token_endpoint_auth_method: 'client_secret_basic', client_secret: machine.secretSha256 ?? '' }
      : { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [machine.publicJwk] } }),
  } as AdapterPayload;
}

const EXCHANGEABLE = new Set(['AuthorizationCode', 'DeviceCode']);

interface RecordRow {
  readonly id: string;
  readonly payload: AdapterPayload;
  readonly consumed: number | null;
}

export class ProviderStore implements Adapter {
  readonly #model: string;
  readonly #pool: pg.Pool;
  readonly #machines: MachineIdentities;

  constructor(model: string, pool: pg.Pool, machines: MachineIdentities) {
    this.#model = model;
    this.#pool = pool;
    this.#machines = machines;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    await this.#pool.query(
      `INSERT INTO oidc_record (model, id, payload, grant_id, user_code, uid, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7::float8 IS NULL THEN NULL ELSE now() + make_interval(secs => $7) END)
       ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id,
         user_code = excluded.user_code, uid = excluded.uid, expires_at = excluded.expires_at`,
      [
        this.#model,
        this.#keyOf(id),
        JSON.stringify(EXCHANGEABLE.has(this.#model) ? { ...payload, jti: undefined } : payload),
        payload.grantId ?? null,
        payload.userCode ?? null,
        payload.uid ?? null,
        expiresIn ?? null,
      ],
    );
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    if (this.#model === 'Client') {
      const machine = await this.#machines.findByClientId(id);
      return machine === undefined ? undefined : clientOf(machine);
    }
    // Only the person's way back from the sign-in page may name a record by its hash.
    if (id.startsWith('#') && Provider.ctx?.oidc.route !== 'device_resume') return undefined;
    const found = await this.#findBy('id', this.#keyOf(id));
    return found === undefined || !EXCHANGEABLE.has(this.#model) ? found : { ...found, jti: id };
  }

  findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#findBy('user_code', userCode);
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#findBy('uid', uid);
  }

  /** Of two who present one code at the same instant, here or at another replica, one gets tokens. */
  async consume(id: string): Promise<void> {
    const { rowCount } = await this.#pool.query(
      'UPDATE oidc_record SET consumed_at = now() WHERE model = $1 AND id = $2 AND consumed_at IS NULL',
      [this.#model, this.#keyOf(id)],
    );
    if (rowCount !== 1) throw new errors.InvalidGrant('already consumed');
  }

  async destroy(id: string): Promise<void> {
    await this.#pool.query('DELETE FROM oidc_record WHERE model = $1 AND id = $2', [
      this.#model,
      this.#keyOf(id),
    ]);
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#pool.query('DELETE FROM oidc_record WHERE grant_id = $1', [grantId]);
  }

  #keyOf(id: string): string {
    if (!EXCHANGEABLE.has(this.#model)) return id;
    return id.startsWith('#') ? id.slice(1) : toHex(sha256(fromUtf8(id)));
  }

  async #findBy(column: 'id' | 'user_code' | 'uid', value: string): Promise<AdapterPayload | undefined> {
    const { rows } = await this.#pool.query<RecordRow>(
      `SELECT id, payload, floor(extract(epoch FROM consumed_at))::float8 AS consumed FROM oidc_record
       WHERE model = $1 AND ${column} = $2 AND (expires_at IS NULL OR expires_at > now())`,
      [this.#model, value],
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    const named = EXCHANGEABLE.has(this.#model) ? { ...row.payload, jti: `#${row.id}` } : row.payload;
    return row.consumed === null ? named : { ...named, consumed: row.consumed };
  }
}
