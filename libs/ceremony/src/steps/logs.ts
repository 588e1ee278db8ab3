/**
 * A log's key becomes a log: its id, origin and tree id follow from the key and from `instance.yaml`, and
 * the key is tried on an empty tree, so that a typing error or a broken key is found before any client
 * holds it (CEREMONY B4, B5).
 */
import { randomBytes } from 'node:crypto';
import { parsePublicKey, verifySignature } from '#core/crypto';
import { Fault } from '#core/fault';
import type { JsonObject } from '#core/json';
import { emptyRoot } from '#core/merkle';
import {
  formatCheckpoint,
  keyHint,
  logVerifier,
  logVerifierV1,
  parseNote,
  signNote,
  v1LogId,
  v1Origin,
  v2LogId,
  verifyNote,
} from '#core/note';
import { fromBase64, fromBigEndian, fromUtf8, toHex } from '#core/octets';
import { trialMessage } from '#hsm';
import { hostOf } from '#instance';
import type { StepOf } from '../script.js';
import type { StepWork } from '../step-work.js';
import type { Workbench } from '../workbench.js';

type LogStep = StepOf<'log.key'>;

function urlOf(step: LogStep, bench: Workbench): string {
  const { ct, rekorV1, rekorV2 } = bench.plan.parameters.instance.services;
  if (step.face === 'rekor-v1') return rekorV1.url;
  const shard = (step.face === 'ct' ? ct : rekorV2).find(({ name }) => name === step.shard);
  if (shard === undefined)
    throw new Fault('refused', 'ceremony/plan', `instance.yaml names no ${step.face} shard "${step.shard}"`);
  return shard.url;
}

/** 63 random bits, never zero: it is written in decimal into every checkpoint (CONTRACTS §3.5). */
function randomTreeId(): bigint {
  for (;;) {
    const id = fromBigEndian(randomBytes(8)) & ((1n << 63n) - 1n);
    if (id !== 0n) return id;
  }
}

function treeIdOf({ treeId }: JsonObject): string {
  if (typeof treeId === 'string') return treeId;
  throw new Fault('corrupt', 'ceremony/result', 'an intent to make a log lacks its tree id');
}

export const logKey: StepWork<LogStep> = {
  intend: (step) => (step.face === 'rekor-v1' ? { treeId: randomTreeId().toString() } : {}),

  async perform(step, bench, intent) {
    const url = urlOf(step, bench);
    const host = hostOf(url);
    const { spki } = bench.key(step.key);
    const key = parsePublicKey(fromBase64(spki));
    const facts = { face: step.face, name: step.shard, url, key: step.key };

    if (step.face === 'ct') {
      const trial = trialMessage('certificate log');
      verifySignature(key, trial, await (await bench.signer(step.key, 'trial')).sign(trial));
      return { ...facts, logId: toHex(v1LogId(key)) };
    }

    const v1 = step.face === 'rekor-v1';
    const treeId = v1 ? treeIdOf(intent) : undefined;
    const origin = treeId === undefined ? host : v1Origin(host, BigInt(treeId));
    const logId = v1 ? v1LogId(key) : v2LogId(origin, key);
    const text = formatCheckpoint({ origin, size: 0n, root: emptyRoot() });
    const checkpoint = signNote(
      text,
      host,
      keyHint(logId),
      await (await bench.signer(step.key, 'empty-head')).sign(fromUtf8(text)),
    );
    verifyNote(parseNote(checkpoint), [v1 ? logVerifierV1(host, key) : logVerifier(host, key)]);
    return { ...facts, logId: toHex(logId), origin, checkpoint, ...(treeId === undefined ? {} : { treeId }) };
  },
};
