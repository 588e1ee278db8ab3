/**
 * The ledger of timestamps: an append-only tree whose leaves are the answers that were given.
 *
 * Checkpoints are signed by the audit key, not by the timestamp key: whoever steals the latter cannot also
 * rewrite the ledger. They are rarer than appends, because an answer waits for the commit only.
 */
import { parsePublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import { equalOctets, fromBase64, fromUtf8 } from '#core/octets';
import {
  formatCheckpoint,
  keyHint,
  logVerifier,
  parseCheckpoint,
  parseNote,
  signNote,
  v2LogId,
  verifyNote,
} from '#core/note';
import type { HeadSigner } from '#hsm';
import { hostOf, type Instance, type TrustMaterial } from '#instance';
import type { CheckpointFormat, KnownTree, NewLeaf, Trees } from '#tree';
import type { TimestampLedger } from './stamp-time.js';

export const LEDGER_TREE = 'timestamp/1';
const CHECKPOINT_PAUSE_MS = 60_000;

/** The part of a tree that the ledger needs. */
export interface LedgerTree {
  sequence(leaf: NewLeaf): Promise<unknown>;
}

export class TreeLedger implements TimestampLedger {
  readonly #tree: LedgerTree;

  constructor(tree: LedgerTree) {
    this.#tree = tree;
  }

  async record(response: Uint8Array): Promise<void> {
    await this.#tree.sequence({ body: response, kind: 'timestamp/rfc3161' });
  }
}

/** Whether a note is the ledger's signed checkpoint of a head. */
export function ledgerChecker(origin: string, spki: Uint8Array): CheckpointFormat['verify'] {
  const verifier = logVerifier(origin, parsePublicKey(spki));
  return (note, head) => {
    const parsed = parseNote(note);
    verifyNote(parsed, [verifier]);
    const found = parseCheckpoint(parsed.text);
    if (found.origin !== origin || found.size !== head.size || !equalOctets(found.root, head.root)) {
      throw new Fault(
        'corrupt',
        'timestamp/ledger-checkpoint',
        'a checkpoint of the timestamp ledger names another head',
      );
    }
  };
}

/** What the ledger is called, for whoever reads it without opening it. */
export function ledgerTree(services: Instance['services'], { audit }: TrustMaterial): KnownTree {
  const [origin, spki] = [ledgerOrigin(services), fromBase64(audit.spki)];
  return {
    name: LEDGER_TREE,
    signedBy: { origin, spki },
    rules: { verifyCheckpoint: ledgerChecker(origin, spki) },
  };
}

/** One ledger for all authorities, so its name comes from the installation and survives their rotation. */
export function ledgerOrigin({ tsa }: Instance['services']): string {
  return `${hostOf(tsa)}/timestamps`;
}

/** Checkpoints of the ledger: C2SP notes under `origin`, which is also the name of the key. */
export function ledgerFormat(
  origin: string,
  spki: Uint8Array,
  signer: () => Promise<HeadSigner>,
): CheckpointFormat {
  const key = parsePublicKey(spki);
  return {
    memory: {
      announce: async (head) => await (await signer()).announce(head),
      adopt: async (head) => await (await signer()).adopt(head),
    },
    sign: async ({ size, root }) => {
      const text = formatCheckpoint({ origin, size, root });
      const signature = await (await signer()).sign(fromUtf8(text));
      return signNote(text, origin, keyHint(v2LogId(origin, key)), signature);
    },
    verify: ledgerChecker(origin, spki),
  };
}

/** Opens the ledger; born empty where there is none. */
export async function openLedger(
  trees: Trees,
  origin: string,
  auditSpki: Uint8Array,
  auditSigner: () => Promise<HeadSigner>,
): Promise<TreeLedger> {
  const tree = await trees.open({
    name: LEDGER_TREE,
    origin,
    format: ledgerFormat(origin, auditSpki, auditSigner),
    checkpointPauseMs: CHECKPOINT_PAUSE_MS,
  });
  return new TreeLedger(tree);
}
