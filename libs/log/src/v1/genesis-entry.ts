/**
 * The first entry of a v1 shard.
 *
 * Clients refuse to read a log of size 0, so no shard is opened empty. Its first entry is of use: a hashedrekord
 * over the trust material, signed with the transcript key, so that the log itself says under which keys it began.
 */
import { sha256 } from '#core/crypto';
import { canonicalJson } from '#core/json';
import { toBase64, toHex, fromUtf8 } from '#core/octets';
import { formatPem } from '#core/pem';
import type { Signer } from '#hsm';
import type { Pool } from 'pg';
import type { V1Log } from './v1-log.js';

const LOCK = 1279870801;

export async function writeGenesisEntry(pool: Pool, log: V1Log, statement: Uint8Array, transcript: Signer): Promise<void> {
  const { tree } = log.active;
  const client = await pool.connect();
  try {
    // Replicas that start together must not each write one: their signatures, hence their leaves, would differ.
    await client.query('SELECT pg_advisory_lock($1, $2)', [LOCK, tree.shard]);
    const { rows } = await client.query<{ size: string }>('SELECT size FROM log_head WHERE shard = $1', [tree.shard]);
    if (rows[0]?.size !== '0') return;
    const signature = await transcript.sign(statement);
    await log.append(
      canonicalJson({
        apiVersion: '0.0.1',
        kind: 'hashedrekord',
        spec: {
          data: { hash: { algorithm: 'sha256', value: toHex(sha256(statement)) } },
          signature: {
            content: toBase64(signature),
            publicKey: { content: toBase64(fromUtf8(formatPem('PUBLIC KEY', transcript.spki))) },
          },
        },
      }),
    );
  } finally {
    // Also ends the session, and with it the lock, whatever happened.
    client.release(true);
  }
}
