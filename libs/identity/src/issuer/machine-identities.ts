/**
 * Machines that may ask the built-in issuer for identity tokens.
 *
 * A machine proves itself by a secret, shown once and kept only as its hash (256 random bits need no slow one), or
 * by a key of its own (private_key_jwt), of which we only ever see the public half.
 */
import { randomBytes } from 'node:crypto';
import { type DataSource, IsNull, QueryFailedError } from 'typeorm';
import type { RecordEvent } from '#audit';
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { fromUtf8, toBase64Url, toHex } from '#core/octets';
import type { Clock } from '#platform';
import { isEmailAddress } from '../email-address.js';
import { MachineEntity, type MachineRow } from './issuer-tables.js';

export interface NewMachine {
  /** What operators call it; an e-mail address will do. The client id is made from it. */
  readonly name: string;
  /** The identity that will stand in certificates. */
  readonly email: string;
  /** Public JWK for private_key_jwt; without it a secret is made. */
  readonly publicKeyJwk?: Readonly<Record<string, unknown>>;
}

export interface Machine {
  readonly clientId: string;
  readonly name: string;
  readonly email: string;
  readonly authentication: 'secret' | 'key';
  readonly createdAt: Date;
}

export interface RegisteredMachine extends Machine {
  /** Present only here and only once. */
  readonly clientSecret?: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9.@_+-]{0,126}$/;

/** Characters that mean the same in a URL, a form and a Basic header, whoever encodes them. */
function clientIdFor(name: string): string {
  return `${name.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-')}-${randomBytes(4).toString('hex')}`;
}

function refuse(message: string): Fault {
  return new Fault('malformed', 'identity/machine', message);
}

/** The members of a public key and nothing else: a private one is refused, so that it is replaced and not stored. */
function publicMembers(jwk: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'priv'].some((member) => jwk[member] !== undefined)) {
    throw refuse(
      'publicKeyJwk holds a private key; that key is now known to others: make a new one and send its public half',
    );
  }
  const kty = jwk['kty'];
  const needed =
    kty === 'RSA' ? ['n', 'e'] : kty === 'EC' ? ['crv', 'x', 'y'] : kty === 'OKP' ? ['crv', 'x'] : undefined;
  if (needed?.every((member) => typeof jwk[member] === 'string') !== true) {
    throw refuse('publicKeyJwk must be an RSA, EC or OKP public key as a JWK');
  }
  const kept = ['kty', 'kid', 'alg', ...needed].filter((member) => typeof jwk[member] === 'string');
  return { ...Object.fromEntries(kept.map((member) => [member, jwk[member]])), use: 'sig' };
}

/** What the provider compares with: see `secretHolds`. */
export function hashSecret(secret: string): string {
  return toHex(sha256(fromUtf8(secret)));
}

function shown(row: MachineRow): Machine {
  const { clientId, name, email, createdAt } = row;
  return { clientId, name, email, authentication: row.publicJwk === null ? 'secret' : 'key', createdAt };
}

export class MachineIdentities {
  readonly #source: DataSource;
  readonly #clock: Clock;
  readonly #audit: RecordEvent;

  constructor(source: DataSource, clock: Clock, audit: RecordEvent) {
    this.#source = source;
    this.#clock = clock;
    this.#audit = audit;
  }

  /** @throws {Fault} identity/machine, identity/machine-exists */
  async register(machine: NewMachine): Promise<RegisteredMachine> {
    if (!NAME.test(machine.name)) throw refuse('name: letters, digits and . @ _ + -, at most 127 of them');
    if (!isEmailAddress(machine.email)) throw refuse('email: an e-mail address, such as build@example.org');
    const publicJwk = machine.publicKeyJwk === undefined ? null : publicMembers(machine.publicKeyJwk);
    const secret = publicJwk === null ? toBase64Url(randomBytes(32)) : undefined;
    const row: MachineRow = {
      clientId: clientIdFor(machine.name),
      name: machine.name,
      email: machine.email,
      secretSha256: secret === undefined ? null : hashSecret(secret),
      publicJwk,
      createdAt: new Date(this.#clock.nowMs()),
      revokedAt: null,
    };
    try {
      await this.#source.transaction(async (manager) => {
        await manager.insert(MachineEntity, row as never);
        await this.#audit.within(manager, {
          code: 'api_token.created',
          resource: { type: 'machine-identity', id: row.clientId, name: row.name, email: row.email },
          details: { authentication: publicJwk === null ? 'secret' : 'key' },
        });
      });
    } catch (cause) {
      if (cause instanceof QueryFailedError && (cause.driverError as { code?: string }).code === '23505') {
        throw new Fault(
          'conflict',
          'identity/machine-exists',
          `there is a machine identity "${machine.name}"; revoke it first`,
        );
      }
      throw cause;
    }
    return { ...shown(row), ...(secret === undefined ? {} : { clientSecret: secret }) };
  }

  async list(): Promise<readonly Machine[]> {
    const rows = await this.#source
      .getRepository(MachineEntity)
      .find({ where: { revokedAt: IsNull() }, order: { name: 'ASC' } });
    return rows.map(shown);
  }

  /** After this no new token is issued; tokens already out live for their few minutes. */
  async revoke(name: string): Promise<void> {
    await this.#source.transaction(async (manager) => {
      const { affected } = await manager.update(
        MachineEntity,
        { name, revokedAt: IsNull() },
        { revokedAt: new Date(this.#clock.nowMs()) },
      );
      if (affected !== 1)
        throw new Fault('absent', 'identity/machine-absent', `there is no machine identity "${name}"`);
      await this.#audit.within(manager, {
        code: 'api_token.revoked',
        resource: { type: 'machine-identity', name },
      });
    });
  }

  async findByClientId(clientId: string): Promise<MachineRow | undefined> {
    const row = await this.#source.getRepository(MachineEntity).findOneBy({ clientId, revokedAt: IsNull() });
    return row ?? undefined;
  }
}
