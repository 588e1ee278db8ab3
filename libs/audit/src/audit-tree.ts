/** The tree whose leaves are the events, as they were recorded. Its checkpoints are signed by the audit key. */
import type { Signer } from '#hsm';
import { ledgerFormat } from '#timestamp';
import type { Tree, Trees } from '#tree';
import { AUDIT_TREE } from './audit-tables.js';

const CHECKPOINT_PAUSE_MS = 10_000;

/** Opens the tree; born empty where there is none. `host` names the installation: `<host>/audit` is the origin. */
export async function openAuditTree(
  trees: Trees,
  host: string,
  auditSpki: Uint8Array,
  auditKey: () => Promise<Signer>,
): Promise<Tree> {
  const origin = `${host}/audit`;
  return await trees.open({
    name: AUDIT_TREE,
    origin,
    format: ledgerFormat(origin, auditSpki, auditKey),
    checkpointPauseMs: CHECKPOINT_PAUSE_MS,
  });
}
