import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { migrations } from '#audit';
import { readV1Entry } from '#core/entry';
import { Fault } from '#core/fault';
import { sha256 } from '#core/crypto';
import { toHex, toUtf8 } from '#core/octets';
import type { SignedHead } from '#tree';
import { freshTrees, type FreshTrees, type Replica } from '../../../../test/kit/fresh-trees.js';
import { recorder } from '../../../../test/kit/recorder.js';
import { softwareSigner } from '../../../../test/kit/software-signer.js';
import { AnchorAuditHead, formatAnchor, type AnchorPorts } from './anchor-audit-head.js';

const key = softwareSigner('audit');
const head: SignedHead = {
  size: 3n,
  root: new Uint8Array(32).fill(7),
  note: 'log.test/audit\n3\n',
  timestampMs: 1n,
};
const DUE_MS = Date.UTC(2026, 10, 22, 11);

/** A log that knows what it has, and may lose its answer. */
class SpecLog {
  readonly entries: string[] = [];
  losesAnswer = false;

  append(request: Uint8Array): Promise<{ entryId: string; json: string }> {
    readV1Entry(request).verify();
    const entryId = toHex(sha256(request));
    if (this.entries.includes(entryId))
      return Promise.reject(new Fault('conflict', 'log/duplicate', 'known', { detail: { entryId } }));
    this.entries.push(entryId);
    if (this.losesAnswer) return Promise.reject(new Fault('unavailable', 'tree/no-checkpoint', 'ask again'));
    return this.byId(entryId);
  }

  byId(entryId: string): Promise<{ entryId: string; json: string }> {
    return Promise.resolve({
      entryId,
      json: JSON.stringify({ [entryId]: { logIndex: this.entries.indexOf(entryId) + 41 } }),
    });
  }
}

let world: FreshTrees;
let replica: Replica;
let log: SpecLog;
let anchors: AnchorAuditHead;
beforeEach(async () => {
  world = await freshTrees(migrations);
  replica = await world.replica();
  log = new SpecLog();
  const ports: AnchorPorts = {
    pool: replica.pool,
    log,
    auditKey: () => Promise.resolve(key),
    record: recorder(),
  };
  anchors = new AnchorAuditHead(ports);
  const client = await replica.pool.connect();
  await anchors.prepare(client, DUE_MS, head);
  client.release();
});
afterEach(async () => {
  await world.drop();
});

async function places(): Promise<unknown[]> {
  const { rows } = await replica.pool.query<{ due_ms: string; log_index: string }>(
    'SELECT due_ms, log_index FROM audit_anchor_place',
  );
  return rows;
}

describe('the anchor of the audit trail', () => {
  test('is one entry over the checkpoint under the audit key, and an event that says where', async () => {
    await anchors.place();
    await anchors.place();
    expect(log.entries).toHaveLength(1);
    expect(await places()).toEqual([{ due_ms: String(DUE_MS), log_index: '41' }]);
    const { rows } = await replica.pool.query<{ request: Buffer; body: Buffer }>(
      'SELECT request, body FROM audit_anchor, audit_outbox',
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.request.toString()).toContain(toHex(sha256(formatAnchor(head.note))));
    expect(JSON.parse(toUtf8(rows[0]?.body ?? new Uint8Array()))).toMatchObject({
      code: 'audit.checkpoint',
      log: { anchorIndex: '41', size: '3' },
    });
  });

  test('is found again where the answer of the log was lost', async () => {
    log.losesAnswer = true;
    await expect(anchors.place()).rejects.toMatchObject({ code: 'tree/no-checkpoint' });
    expect(await places()).toEqual([]);
    await anchors.place();
    expect(log.entries).toHaveLength(1);
    expect(await places()).toEqual([{ due_ms: String(DUE_MS), log_index: '41' }]);
  });

  test('is placed once by two replicas that try at once', async () => {
    await Promise.all([anchors.place(), anchors.place()]);
    expect(log.entries).toHaveLength(1);
    const { rows } = await replica.pool.query('SELECT 1 FROM audit_outbox');
    expect(rows).toHaveLength(1);
  });
});
