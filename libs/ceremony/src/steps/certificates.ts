/**
 * Certificates in the steps that keep a CA honest: drafted, linted as they will be, signed once, and read
 * again by somebody else's parser.
 */
import { parsePublicKey, sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { equalOctets, fromBase64, toBase64, toHex } from '#core/octets';
import {
  assembleCertificate,
  draftCaCertificate,
  lintCertificate,
  lintTbs,
  nameText,
  parseCertificate,
  verifyChain,
  verifyIssuedBy,
  type Certificate,
  type Finding,
  type LintContext,
} from '#core/x509';
import { instantMs, instantText } from '#trust-root';
import { readCertificateTwice, verifyChainTwice } from '../certificate-second-reader.js';
import { CertificateResult, DraftResult } from '../results.js';
import type { StepOf } from '../script.js';
import type { StepWork } from '../step-work.js';
import type { Workbench } from '../workbench.js';

function certificate(bench: Workbench, step: string): Certificate {
  return parseCertificate(fromBase64(bench.result(step, CertificateResult).certificate));
}

/** The same instant some years later; 29 February becomes 1 March. */
function yearsLater(ms: number, years: number): number {
  const date = new Date(ms);
  date.setUTCFullYear(date.getUTCFullYear() + years);
  return date.getTime();
}

/** The key that signs is the issuer's; it is found through the step that drafted the issuer. */
function issuingKey(bench: Workbench, issuer: string): string {
  const signed = bench.plan.steps.find((step) => step.id === issuer);
  if (signed?.kind === 'x509.accept') return signed.key;
  if (signed?.kind !== 'x509.sign')
    throw new Fault('corrupt', 'ceremony/result', `"${issuer}" is not a certificate`);
  const draft = bench.plan.steps.find((step) => step.id === signed.of);
  if (draft?.kind !== 'x509.build')
    throw new Fault('corrupt', 'ceremony/result', `"${signed.of}" is not a draft`);
  return draft.key;
}

export const buildCertificate: StepWork<StepOf<'x509.build'>> = {
  async perform(step, bench) {
    const subjectKey = bench.key(step.key);
    const signingKey = bench.key(step.issuer === undefined ? step.key : issuingKey(bench, step.issuer));
    const serial = await randomSerial(bench, signingKey.token);
    const issuer = step.issuer === undefined ? undefined : certificate(bench, step.issuer);
    // An external authority dates its certificates itself; ours must live within them.
    const plannedMs = instantMs(bench.plan.parameters.notBefore);
    const notBeforeMs = Math.max(plannedMs, issuer?.notBeforeMs ?? plannedMs);
    const plannedUntilMs = yearsLater(notBeforeMs, step.validity.years);
    const untilMs =
      issuer === undefined ? plannedUntilMs : Math.min(plannedUntilMs, issuer.notAfterMs + 1000);
    const draft = draftCaCertificate({
      role: step.role,
      serial,
      subject: { organisation: bench.organisation, commonName: step.subject.commonName },
      ...(issuer === undefined ? {} : { issuer }),
      signatureAlgorithm: signingKey.algorithm,
      spki: fromBase64(subjectKey.spki),
      notBeforeMs,
      untilMs,
      rehearsal: bench.mode === 'rehearsal',
    });
    return {
      role: step.role,
      issuer: step.issuer ?? step.id,
      tbs: toBase64(draft.tbs),
      tbsSha256: toHex(sha256(draft.tbs)),
      signatureAlgorithm: toBase64(draft.signatureAlgorithm),
      signingKey: signingKey.uri,
      serial: toHex(serial),
      notAfter: instantText(untilMs - 1000),
    };
  },
};

/** 160 bits from the token that signs, redrawn while the first octet would not count (RFC 5280 §4.1.2.2). */
async function randomSerial(bench: Workbench, token: string): Promise<Uint8Array> {
  for (;;) {
    const serial = Uint8Array.from(await bench.hsm.random(token, 20));
    serial[0] = (serial[0] ?? 0) & 0x7f;
    if (serial[0] !== 0) return serial;
  }
}

/** What the lints compare with: the issuer, the plan, and every certificate that this ceremony has made. */
function lintContext(bench: Workbench, draft: DraftResult, self: string): LintContext {
  const others = bench.plan.steps.flatMap((other) =>
    other.kind === 'x509.sign' && other.of !== self && bench.isSettled(other.id)
      ? [certificate(bench, other.id)]
      : [],
  );
  return {
    role: draft.role,
    ...(draft.issuer === self ? {} : { issuer: certificate(bench, draft.issuer) }),
    mode: bench.mode,
    plannedAtMs: instantMs(bench.plan.parameters.notBefore),
    usedSerials: new Set(others.map(({ serial }) => serial)),
    otherKeys: new Set(others.map(({ spki }) => toHex(spki))),
    otherSubjects: new Set(others.map(({ subjectDer }) => toHex(subjectDer))),
  };
}

/** A ceremony stops at every finding, notices too: what is signed here is believed for years. */
function assertNoFindings(of: string, findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  throw new Fault(
    'refused',
    'ceremony/lint',
    `${of}: ${findings.map(({ id, message }) => `${id} ${message}`).join('; ')}`,
  );
}

export const lintDraft: StepWork<StepOf<'x509.lint'>> = {
  async perform(step, bench) {
    const draft = bench.result(step.of, DraftResult);
    const tbs = fromBase64(draft.tbs);
    assertNoFindings(step.of, lintTbs(tbs, lintContext(bench, draft, step.of)));
    // A signature that is none lets the second reader see the certificate before a real one exists.
    await readCertificateTwice(assembleCertificate(tbs, fromBase64(draft.signatureAlgorithm), NO_SIGNATURE));
    return { tbsSha256: toHex(sha256(tbs)), findings: [] };
  },
};

/** ECDSA-Sig-Value with r = s = 1: well formed, and a signature of nothing. */
const NO_SIGNATURE = Uint8Array.of(0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01);

export const signCertificate: StepWork<StepOf<'x509.sign'>> = {
  intend: (step, bench) => {
    const draft = bench.result(step.of, DraftResult);
    return { tbsSha256: toHex(sha256(fromBase64(draft.tbs))), key: bench.key(step.with).uri };
  },

  async perform(step, bench, intent) {
    const draft = bench.result(step.of, DraftResult);
    const tbs = fromBase64(draft.tbs);
    if (intent['tbsSha256'] !== toHex(sha256(tbs))) {
      throw new Fault(
        'corrupt',
        'ceremony/result',
        `the draft "${step.of}" is not the one that was announced for signing`,
      );
    }
    const signer = await bench.signer(step.with, 'ceremony-certificate');
    const der = assembleCertificate(tbs, fromBase64(draft.signatureAlgorithm), await signer.sign(tbs));
    const signed = parseCertificate(der);
    if (!equalOctets(signed.tbs, tbs))
      throw new Fault('corrupt', 'ceremony/result', 'the signed bytes are not the linted ones');
    const issuer = draft.issuer === step.of ? signed : certificate(bench, draft.issuer);
    if (!equalOctets(issuer.spki, signer.spki)) {
      throw new Fault(
        'refused',
        'ceremony/key',
        `"${step.with}" is not the key of the issuer of "${step.of}"`,
      );
    }
    verifyIssuedBy(signed, issuer);
    assertNoFindings(step.of, lintCertificate(der, lintContext(bench, draft, step.of)));
    await readCertificateTwice(der);
    return { certificate: toBase64(der), sha256: toHex(sha256(der)), subject: nameText(signed.subjectDer) };
  },
};

export const proveChain: StepWork<StepOf<'x509.chain'>> = {
  async perform(step, bench) {
    const chain = step.certificates.flatMap((id) => {
      const { certificate: der, above = [] } = bench.result(id, CertificateResult);
      return [der, ...above].map((one) => parseCertificate(fromBase64(one)));
    });
    verifyChain(chain);
    chain.forEach(({ spki }) => parsePublicKey(spki));
    await verifyChainTwice(chain.map(({ der }) => der));
    return { chain: chain.map(({ der }) => toBase64(der)) };
  },
};
