/**
 * Every leaf of a searchable tree has search keys, and no key leads to a leaf that is not there.
 *
 * Which keys a leaf must have is known to whoever reads its body; comparing those is the work of the rebuild of the
 * index, not of this check.
 */
import type { ClientBase } from 'pg';
import { readRows } from '../read-rows.js';
import type { Findings } from './finding.js';

/** Leaves whose presence is noted in one array: 128 MiB for a thousand million of them. */
const BITS = 8n;

export async function checkSearchKeys(
  client: ClientBase,
  shard: number,
  size: bigint,
  covered: bigint,
  findings: Findings,
): Promise<void> {
  const seen = new Uint8Array(Number((size + BITS - 1n) / BITS));
  const select = `SELECT idx FROM log_index WHERE shard = ${shard}`;
  for await (const some of readRows(client, select, 1)) {
    for (const [field] of some) {
      if (field === undefined) continue;
      const index = field.readBigInt64BE();
      if (index < 0n || index >= size) {
        findings.add({
          what: 'search/extra',
          at: { index: index.toString() },
          expected: `no key of a leaf beyond ${size}`,
          found: 'a row',
        });
        continue;
      }
      const [octet, bit] = [Number(index / BITS), 1 << Number(index % BITS)];
      seen[octet] = (seen[octet] ?? 0) | bit;
    }
  }
  for (let octet = 0; octet < seen.length; octet++) {
    if (seen[octet] === 0xff) continue;
    for (let bit = 0; bit < 8; bit++) {
      const index = BigInt(octet) * BITS + BigInt(bit);
      if (index >= covered || ((seen[octet] ?? 0) & (1 << bit)) !== 0) continue;
      findings.add({
        what: 'search/missing',
        at: { index: index.toString() },
        expected: 'at least one search key',
        found: 'no row',
      });
    }
  }
}
