/**
 * The first TUF repository: drafted, signed by each officer on their own token, checked at once, assembled,
 * and read whole by two readers before anything is published (CEREMONY B6–B8).
 */
import { join } from 'node:path';
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import type { JsonObject } from '#core/json';
import { fromBase64, toBase64, toHex } from '#core/octets';
import {
  draftRoot,
  draftSnapshot,
  draftTargets,
  draftTimestamp,
  formatTufFile,
  lintRoot,
  parseTufFile,
  signingInput,
  tufSignature,
  verifyRepository,
  verifyTufFile,
  type AnySigned,
  type RepositoryFiles,
  type RootSigned,
  type SigstoreCustom,
  type TargetPlan,
} from '#core/tuf';
import { instantMs, instantText, onlineValidity, readAsClientsDo, RepositoryDirectory } from '#trust-root';
import { TrustResult, TufDraftResult, TufFileResult, TufSignatureResult } from '../results.js';
import type { StepOf } from '../script.js';
import type { StepWork } from '../step-work.js';
import type { Workbench } from '../workbench.js';
import { materialOf } from './trust.js';

const DAY_MS = 86_400_000;

function targetsOf(bench: Workbench, step: string): TargetPlan[] {
  return bench.result(step, TrustResult).targets.map(({ name, bytes, ...rest }) => ({
    name,
    bytes: fromBase64(bytes),
    ...('custom' in rest ? { custom: rest['custom'] as SigstoreCustom } : {}),
  }));
}

function fileOf(bench: Workbench, step: string): Uint8Array {
  return fromBase64(bench.result(step, TufFileResult).bytes);
}

function draftOf(bench: Workbench, step: string): AnySigned {
  return bench.result(step, TufDraftResult).signed as unknown as AnySigned;
}

/** Written into the plan's checks already; said again for the reader and the compiler. */
function given<T>(value: T | undefined, step: { id: string }): T {
  if (value === undefined)
    throw new Fault('refused', 'ceremony/plan', `"${step.id}" lacks what it is built from`);
  return value;
}

function draft(step: StepOf<'tuf.build'>, bench: Workbench): AnySigned {
  const { notBefore, instance } = bench.plan.parameters;
  const fromBirth = (lifeMs: number) => instantText(instantMs(notBefore) + lifeMs);
  const offlineExpiry = () => fromBirth(given(step.validity, step).days * DAY_MS);
  const online = onlineValidity(instance.courierInterval);
  switch (step.role) {
    case 'root': {
      const { tuf } = materialOf(bench, given(step.from, step));
      const keys = (records: readonly { spki: string }[]) => records.map(({ spki }) => fromBase64(spki));
      const officers = { keys: keys(tuf.officers), threshold: tuf.threshold };
      return draftRoot({
        version: 1,
        expires: offlineExpiry(),
        roles: {
          root: officers,
          targets: officers,
          snapshot: { keys: keys([tuf.snapshot]), threshold: 1 },
          timestamp: { keys: keys([tuf.timestamp]), threshold: 1 },
        },
      });
    }
    case 'targets':
      return draftTargets(1, offlineExpiry(), targetsOf(bench, given(step.from, step)));
    case 'snapshot':
      return draftSnapshot(1, fromBirth(online.snapshotMs), 1, fileOf(bench, given(step.of, step)));
    case 'timestamp':
      return draftTimestamp(1, fromBirth(online.timestampMs), 1, fileOf(bench, given(step.of, step)));
  }
}

export const buildTuf: StepWork<StepOf<'tuf.build'>> = {
  perform(step, bench): JsonObject {
    const signed = draft(step, bench);
    if (signed._type === 'root') {
      const findings = lintRoot(signed, undefined, instantText(bench.clock.nowMs()));
      if (findings.length > 0) {
        throw new Fault(
          'refused',
          'ceremony/lint',
          findings.map(({ lint, message }) => `${lint} ${message}`).join('; '),
        );
      }
    }
    return { signed: signed as unknown as JsonObject, inputSha256: toHex(sha256(signingInput(signed))) };
  },
};

export const signTuf: StepWork<StepOf<'tuf.sign'>> = {
  intend: (step, bench) => ({
    inputSha256: toHex(sha256(signingInput(draftOf(bench, step.of)))),
    key: bench.key(step.with).uri,
  }),
  async perform(step, bench) {
    const signed = draftOf(bench, step.of);
    const signer = await bench.signer(step.with, `tuf-${signed._type}`);
    const { keyid, sig } = tufSignature(signer.spki, await signer.sign(signingInput(signed)));
    return { keyid, sig };
  },
};

export const assembleTuf: StepWork<StepOf<'tuf.assemble'>> = {
  perform(step, bench): JsonObject {
    const signed = draftOf(bench, step.of);
    const file = { signed, signatures: step.signatures.map((id) => bench.result(id, TufSignatureResult)) };
    const root: RootSigned =
      step.root === undefined
        ? (signed as RootSigned)
        : parseTufFile(fileOf(bench, step.root), 'root').signed;
    verifyTufFile(root, file);
    const bytes = formatTufFile({
      ...file,
      signatures: file.signatures.map(({ keyid, sig }) => ({ keyid, sig })),
    });
    return { role: signed._type, bytes: toBase64(bytes), sha256: toHex(sha256(bytes)) };
  },
};

function repositoryOf(step: StepOf<'tuf.verify'>, bench: Workbench): RepositoryFiles {
  return {
    root: fileOf(bench, step.root),
    targets: fileOf(bench, step.targets),
    snapshot: fileOf(bench, step.snapshot),
    timestamp: fileOf(bench, step.timestamp),
    targetFiles: new Map(targetsOf(bench, step.from).map(({ name, bytes }) => [name, bytes])),
  };
}

export const verifyTuf: StepWork<StepOf<'tuf.verify'>> = {
  perform(step, bench): JsonObject {
    const files = repositoryOf(step, bench);
    verifyRepository(files, instantText(bench.clock.nowMs()));
    readAsClientsDo(files);
    return { targets: [...files.targetFiles.keys()] };
  },
};

export const publishTuf: StepWork<StepOf<'tuf.publish'>> = {
  intend: (step) => ({ repository: step.repository }),
  async perform(step, bench) {
    const verified = bench.plan.steps.find(({ id }) => id === step.repository);
    if (verified?.kind !== 'tuf.verify')
      throw new Fault('refused', 'ceremony/plan', `"${step.repository}" verifies nothing`);
    const directory = new RepositoryDirectory(join(bench.stateDir, 'tuf'));
    await directory.publish(repositoryOf(verified, bench));
    return { directory: 'tuf' };
  },
};
