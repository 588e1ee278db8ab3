/**
 * Judges a certificate before it is signed, and again after.
 *
 * A lint is a row: an identifier that appears in transcripts, what must hold, where that is written down, and
 * a check. The rows stand in lints-*.ts by group; this file is the subject that they look at and the loop.
 *
 * Rows are independent: a certificate with one fault gets one finding, and the spec holds every row to that
 * by breaking a good certificate once per row. So a row whose premise is gone (an unreadable extension, an
 * unknown algorithm) says nothing, because another row has said it.
 *
 * An expected *no* with many reasons is data: callers decide which severities stop them. Ceremonies stop at
 * every finding that their plan does not waive; issuance stops at errors.
 */
import { Fault } from '#core/fault';
import { type Certificate, parseCertificate, parseTbs } from './certificate.js';
import { type Finding, type Lint, type LintContext, type LintSubject, subjectOf } from './lint-subject.js';
import { KEY_LINTS } from './lints-key.js';
import { LEAF_LINTS } from './lints-leaf.js';
import { NAME_LINTS } from './lints-name.js';
import { POWER_LINTS } from './lints-power.js';
import { SERIAL_AND_VALIDITY_LINTS } from './lints-serial-validity.js';

export const LINTS: readonly Lint[] = [
  ...SERIAL_AND_VALIDITY_LINTS,
  ...NAME_LINTS,
  ...KEY_LINTS,
  ...POWER_LINTS,
  ...LEAF_LINTS,
];

/**
 * Findings about a TBSCertificate that is about to be signed; empty means that nothing speaks against it.
 *
 * @throws {Fault} der/… if it cannot be read as a TBSCertificate at all
 */
export function lintTbs(tbs: Uint8Array, context: LintContext): Finding[] {
  return run(subjectOf(parseTbs(tbs), undefined, context));
}

/** The same about a finished certificate, its signature included. */
export function lintCertificate(der: Uint8Array, context: LintContext): Finding[] {
  const certificate = parseCertificate(der);
  return run(subjectOf(certificate, certificate, context));
}

/** Findings about a leaf: `phase` says whether it is the precertificate or the final certificate. */
export function lintLeaf(
  tbs: Uint8Array,
  phase: 'precertificate' | 'final',
  issuer: Certificate,
  context: Omit<LintContext, 'role' | 'issuer'> = {},
): Finding[] {
  return lintTbs(tbs, { ...context, role: phase === 'final' ? 'code-leaf' : 'precertificate', issuer });
}

/** Turns error findings into the Fault that stops an issuance. @throws {Fault} x509/lint */
export function assertNoErrors(findings: readonly Finding[]): void {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  const text = errors.map(({ id, message }) => `${id}: ${message}`).join('; ');
  throw new Fault('refused', 'x509/lint', `the certificate breaks its profile (${text})`);
}

function run(subject: LintSubject): Finding[] {
  const findings: Finding[] = [];
  for (const { id, severity, citation, roles, check } of LINTS) {
    if (roles !== undefined && !roles.includes(subject.role)) continue;
    const message = check(subject);
    if (message !== undefined) findings.push({ id, severity, message, citation });
  }
  return findings;
}
