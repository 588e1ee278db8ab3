/**
 * The first entry of every shard.
 *
 * No shard is opened empty. v1 clients refuse to read a log of size 0; and in both faces the entry with index
 * 0 makes bundles that some clients cannot read, because proto3 JSON writers leave out a zero and
 * sigstore-python then misses the field. So the first index is ours, and of use: a hashedrekord over the trust
 * material, signed with the transcript key, by which the log itself says under which keys it began.
 */
import { sha256 } from '#core/crypto';
import { canonicalJson } from '#core/json';
import { fromUtf8, toBase64, toHex } from '#core/octets';
import { formatPem } from '#core/pem';
import type { Signer } from '#hsm';
import type { Tree } from '#tree';
import type { Pool } from 'pg';

const LOCK = 1279870801;

/** A create request of one face for a signed statement. */
export type GenesisRequest = (statement: Uint8Array, signature: Uint8Array, transcript: Signer) => Uint8Array;

/** A create request of the v1 face for anything that one of our own keys has signed. */
export const hashedRekordRequest: GenesisRequest = (statement, signature, signer) =>
  canonicalJson({
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: toHex(sha256(statement)) } },
      signature: {
        content: toBase64(signature),
        publicKey: { content: toBase64(fromUtf8(formatPem('PUBLIC KEY', signer.spki))) },
      },
    },
  });

export const v1GenesisRequest: GenesisRequest = hashedRekordRequest;

export const v2GenesisRequest: GenesisRequest = (statement, signature, transcript) =>
  canonicalJson({
    hashedRekordRequestV002: {
      digest: toBase64(sha256(statement)),
      signature: {
        content: toBase64(signature),
        verifier: {
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
          publicKey: { rawBytes: toBase64(transcript.spki) },
        },
      },
    },
  });

/** Writes the first entry of `tree` through `append`, unless somebody has written one. */
export async function writeGenesisEntry(
  pool: Pool,
  tree: Tree,
  statement: Uint8Array,
  transcript: Signer,
  request: GenesisRequest,
  append: (body: Uint8Array) => Promise<unknown>,
): Promise<void> {
  if (tree.size !== 0n || tree.frozen || tree.quarantine !== undefined) return;
  const client = await pool.connect();
  try {
    // Replicas that start together must not each write one: their signatures, hence their leaves, would differ.
    await client.query('SELECT pg_advisory_lock($1, $2)', [LOCK, tree.shard]);
    const { rows } = await client.query<{ size: string }>('SELECT size FROM log_head WHERE shard = $1', [
      tree.shard,
    ]);
    if (rows[0]?.size !== '0') return;
    await append(request(statement, await transcript.sign(statement), transcript));
  } finally {
    // Also ends the session, and with it the lock, whatever happened.
    client.release(true);
  }
}
