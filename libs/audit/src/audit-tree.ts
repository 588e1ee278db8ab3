/** The tree whose leaves are the events, as they were recorded. Its checkpoints are signed by the audit key. */
import type { HeadSigner } from '#hsm';
import { fromBase64 } from '#core/octets';
import { hostOf, type Instance, type TrustMaterial } from '#instance';
import { ledgerChecker, ledgerFormat } from '#timestamp';
import type { KnownTree, Tree, Trees } from '#tree';
import { AUDIT_TREE } from './audit-tables.js';

const CHECKPOINT_PAUSE_MS = 10_000;

/** What the tree calls itself, on the installation that answers as `host`. */
export function auditOrigin(host: string): string {
  return `${host}/audit`;
}

/** The audit tree as whoever checks it needs to know it. */
export function auditTree({ rekorV1 }: Instance['services'], { audit }: TrustMaterial): KnownTree {
  const [origin, spki] = [auditOrigin(hostOf(rekorV1.url)), fromBase64(audit.spki)];
  return {
    name: AUDIT_TREE,
    signedBy: { origin, spki },
    rules: { verifyCheckpoint: ledgerChecker(origin, spki) },
  };
}

/** Opens the tree; born empty where there is none. `headSigner` signs for `origin` and nothing else. */
export async function openAuditTree(
  trees: Trees,
  origin: string,
  auditSpki: Uint8Array,
  headSigner: () => Promise<HeadSigner>,
): Promise<Tree> {
  return await trees.open({
    name: AUDIT_TREE,
    origin,
    format: ledgerFormat(origin, auditSpki, headSigner),
    checkpointPauseMs: CHECKPOINT_PAUSE_MS,
  });
}
