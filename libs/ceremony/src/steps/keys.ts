import { randomBytes } from 'node:crypto';
import { Fault } from '#core/fault';
import type { JsonObject, JsonValue } from '#core/json';
import { fromHex, toBase64, toHex } from '#core/octets';
import { sha256 } from '#core/crypto';
import { formatPkcs11Uri, type KeyRecord } from '#hsm';
import { InventoryResult } from '../results.js';
import type { StepOf } from '../script.js';
import type { StepWork } from '../step-work.js';
import type { Workbench } from '../workbench.js';

/** A key record as it stands in the transcript, the attributes that were read back included. */
function keyResult(token: string, record: KeyRecord): JsonObject {
  return {
    uri: record.uri,
    token,
    algorithm: record.algorithm,
    spki: toBase64(record.spki),
    ckaId: toHex(record.id),
    attributes: record.report as unknown as JsonValue,
  };
}

function backupOf(bench: Workbench, label: string): 'none' | 'vendor-clone' | 'trusted-wrap' {
  return bench.plan.parameters.instance.backup[label] ?? 'none';
}

function ckaIdOf(intent: JsonObject): Uint8Array {
  const { ckaId } = intent;
  if (typeof ckaId !== 'string')
    throw new Fault('corrupt', 'ceremony/result', 'an intent to make a key lacks its CKA_ID');
  return fromHex(ckaId);
}

export const generateKey: StepWork<StepOf<'key.generate'>> = {
  // A fresh id is how the key is found again after a crash; labels are not unique, ids of 16 octets are.
  intend: (step) => ({
    token: step.on,
    label: step.label,
    algorithm: step.algorithm,
    ckaId: toHex(randomBytes(16)),
  }),

  async perform(step, bench, intent) {
    const record = await bench.hsm.generate(step.on, {
      label: step.label,
      algorithm: step.algorithm,
      id: ckaIdOf(intent),
      backup: backupOf(bench, step.label),
      ...(step.alwaysAuthenticate === undefined ? {} : { alwaysAuthenticate: step.alwaysAuthenticate }),
    });
    return keyResult(step.on, record);
  },

  async recover(step, bench, intent) {
    const id = toHex(ckaIdOf(intent));
    const inventory = await bench.hsm.inventory(step.on);
    const found = inventory.keys.find((key) => toHex(key.id) === id);
    const half = inventory.others.find((object) => object.id === id);
    if (found === undefined && half === undefined) return undefined;
    // Nobody witnessed the birth of this key. In an evaluation that is nobody's loss if its attributes hold.
    if (found !== undefined && half === undefined && bench.mode === 'evaluation' && found.report.holds) {
      const adopted = await bench.hsm.adopt(found.uri, { backup: backupOf(bench, step.label) });
      return { ...keyResult(step.on, adopted), recovered: true };
    }
    // Everything under this id goes, halves of pairs included: only our own intent can have named it.
    const uri = formatPkcs11Uri({ token: inventory.token.label, object: step.label, id: fromHex(id) });
    await bench.hsm.destroy(uri, step.label);
    return undefined;
  },
};

export const adoptKey: StepWork<StepOf<'key.adopt'>> = {
  async perform(step, bench) {
    const record = await bench.hsm.adopt(step.uri, { backup: backupOf(bench, step.label) });
    if (record.algorithm !== step.algorithm) {
      throw new Fault(
        'refused',
        'ceremony/key',
        `the key to adopt for "${step.id}" is ${record.algorithm}, not ${step.algorithm}`,
      );
    }
    return { ...keyResult(step.on, record), adopted: true };
  },
};

/** What a token holds, by identity and not by handle; the attributes of keys were reported at their birth. */
export const inventory: StepWork<StepOf<'hsm.inventory'>> = {
  async perform(step, bench) {
    const { token, keys, others } = await bench.hsm.inventory(step.on);
    const result = {
      token: token as unknown as JsonValue,
      keys: keys
        .map((key) => ({
          ckaId: toHex(key.id),
          label: labelOf(key.uri),
          spkiSha256: toHex(sha256(key.spki)),
        }))
        .toSorted((a, b) => (a.ckaId < b.ckaId ? -1 : 1)),
      others: others.map(({ id, label, what }) => ({ id, label, what })),
    };
    if (step.against !== undefined) assertDeclared(step, bench, InventoryResult.parse(result));
    return result;
  },
};

function labelOf(uri: string): string {
  return decodeURIComponent(/(?:[:;])object=([^;?]*)/.exec(uri)?.[1] ?? '');
}

/** What appeared must be exactly the keys that this plan made in this token. */
function assertDeclared(
  step: StepOf<'hsm.inventory'>,
  bench: Workbench,
  after: { keys: readonly { ckaId: string; label: string }[]; others: readonly { id: string }[] },
): void {
  const before = bench.result(step.against ?? '', InventoryResult);
  const made = bench.plan.steps.flatMap((other) =>
    other.kind === 'key.generate' && other.on === step.on && bench.isSettled(other.id)
      ? [bench.key(other.id).ckaId]
      : [],
  );
  const expected = [...before.keys.map(({ ckaId }) => ckaId), ...made].toSorted();
  const found = after.keys.map(({ ckaId }) => ckaId).toSorted();
  if (expected.join() !== found.join() || before.others.length !== after.others.length) {
    throw new Fault(
      'conflict',
      'ceremony/undeclared',
      `token ${step.on} holds other keys than before and than this plan made: find out which, before anything is published`,
      { detail: { expected: expected.length, found: found.length } },
    );
  }
}
