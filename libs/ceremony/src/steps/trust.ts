import { Fault } from '#core/fault';
import type { JsonObject } from '#core/json';
import { fromBase64, toBase64 } from '#core/octets';
import {
  compileSigningConfig,
  compileTrustedRoot,
  lintSigningConfig,
  lintTrustedRoot,
  type TrustFinding,
} from '#core/trust';
import { parseCertificate } from '#core/x509';
import { TrustMaterial, type HsmKeyRecord } from '#instance';
import { instantMs, instantText, publishedTargets } from '#trust-root';
import { ChainResult, LogResult, TrustResult } from '../results.js';
import type { StepOf } from '../script.js';
import type { StepWork } from '../step-work.js';
import type { Workbench } from '../workbench.js';

function keyOf(bench: Workbench, step: string): HsmKeyRecord {
  const { uri, token, algorithm, spki } = bench.key(step);
  return { uri, token, algorithm, spki };
}

export function materialOf(bench: Workbench, step: string): TrustMaterial {
  return TrustMaterial.parse(bench.result(step, TrustResult).material);
}

/** Everything comes from results of earlier steps and from `instance.yaml`; nothing is typed. */
export const compileTrust: StepWork<StepOf<'trustroot.compile'>> = {
  perform(step, bench): JsonObject {
    const { instance, notBefore: start } = bench.plan.parameters;
    const { services } = instance;
    const log = (id: string) => {
      const { name, url, key, origin = '', treeId = '' } = bench.result(id, LogResult);
      return { name, url, key: keyOf(bench, key), origin, treeId, start };
    };
    const chain = (id: string) => bench.result(id, ChainResult).chain;
    // The plan's date, unless an external authority dated its certificates later.
    const startOf = (ders: readonly string[]) =>
      instantText(
        Math.max(instantMs(start), ...ders.map((der) => parseCertificate(fromBase64(der)).notBeforeMs)),
      );
    const material: TrustMaterial = {
      apiVersion: 'airseal/trust-material/v1',
      mode: bench.mode,
      organisation: bench.organisation,
      createdAt: instantText(bench.clock.nowMs()),
      certificateAuthorities: [
        {
          key: keyOf(bench, step.certificateAuthority.key),
          chain: chain(step.certificateAuthority.chain),
          url: services.fulcio,
          start: startOf(chain(step.certificateAuthority.chain)),
        },
      ],
      timestampAuthorities: [
        {
          key: keyOf(bench, step.timestampAuthority.key),
          chain: chain(step.timestampAuthority.chain),
          url: services.tsa,
          start: startOf(chain(step.timestampAuthority.chain)),
        },
      ],
      ctLogs: step.ctLogs.map(log).map(({ name, url, key }) => ({ name, url, key, start })),
      rekorV1: step.rekorV1.map(log),
      rekorV2: step.rekorV2.map(log).map(({ name, url, key, origin }) => ({ name, url, key, origin, start })),
      tuf: {
        url: services.tuf,
        threshold: step.officers.threshold,
        officers: step.officers.keys.map((id) => keyOf(bench, id)),
        snapshot: keyOf(bench, step.snapshot),
        timestamp: keyOf(bench, step.timestamp),
      },
      ...(step.issuer === undefined || services.oidc === undefined
        ? {}
        : { issuer: { url: services.oidc, key: keyOf(bench, step.issuer) } }),
      audit: keyOf(bench, step.audit),
      transcript: keyOf(bench, step.transcript),
    };
    const targets = publishedTargets(TrustMaterial.parse(material), instance);
    return {
      material: material as unknown as JsonObject,
      targets: targets.map(({ name, bytes, custom }) => ({
        name,
        bytes: toBase64(bytes),
        ...(custom === undefined ? {} : { custom: { ...custom } }),
      })),
    };
  },
};

export const lintTrust: StepWork<StepOf<'trustroot.lint'>> = {
  perform(step, bench): JsonObject {
    const material = materialOf(bench, step.of);
    const root = compileTrustedRoot(material);
    const findings: TrustFinding[] = [
      ...lintTrustedRoot(root, material),
      ...lintSigningConfig(compileSigningConfig(material, 'v1'), root),
      ...lintSigningConfig(compileSigningConfig(material, 'v2'), root),
    ];
    // K7: one key, one role. Two roles of one key would let a signature for one pass for the other.
    const keys = [
      ...[...material.certificateAuthorities, ...material.timestampAuthorities, ...material.ctLogs].map(
        ({ key }) => key,
      ),
      ...[...material.rekorV1, ...material.rekorV2].map(({ key }) => key),
      ...material.tuf.officers,
      material.tuf.snapshot,
      material.tuf.timestamp,
      material.audit,
      material.transcript,
      ...(material.issuer === undefined ? [] : [material.issuer.key]),
    ].map(({ spki }) => spki);
    if (new Set(keys).size !== keys.length) findings.push({ lint: 'K7', message: 'a key serves two roles' });
    if (findings.length > 0) {
      throw new Fault(
        'refused',
        'ceremony/lint',
        `the trust files must not be signed: ${findings.map(({ lint, message }) => `${lint} ${message}`).join('; ')}`,
      );
    }
    return { findings: [] };
  },
};
