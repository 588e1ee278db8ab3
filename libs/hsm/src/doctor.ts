/**
 * Examines a token: what it offers, whether its answers hold, how it returns, how fast it is.
 *
 * Nothing that it does can lock the token or stays in it: the PIN's state is read from flags, and the keys
 * it tries end with their session. Its agent is ended once, to see that another takes over, unless other
 * processes are using it.
 */
import { Fault, isFault } from '#core/fault';
import type { AgentLink } from './agent-link.js';
import { bench } from './bench.js';
import { isEligible } from './eligibility.js';
import type { DoctorFinding, DoctorReport } from './key-report.js';

const PATIENT_MS = 10 * 60_000;
const QUICK_MS = 10_000;

export async function doctor(name: string, link: AgentLink): Promise<DoctorReport> {
  const { token, mechanisms, findings: inside } = await link.call('examine', {}, PATIENT_MS);
  const eligibleForProduction = isEligible(token);
  const findings = [
    eligibility(eligibleForProduction),
    ...inside,
    await reconnect(link),
    ...(await speed(link)),
  ];
  return {
    name,
    token,
    eligibleForProduction,
    mechanisms,
    findings,
    healthy: findings.every((finding) => finding.verdict !== 'fail'),
  };
}

function eligibility(eligible: boolean): DoctorFinding {
  if (eligible)
    return { check: 'production', verdict: 'pass', found: 'says nothing that marks it as software' };
  return {
    check: 'production',
    verdict: 'warn',
    found: 'a software token',
    next: 'for evaluation and rehearsal only',
  };
}

async function reconnect(link: AgentLink): Promise<DoctorFinding> {
  const check = 'reconnect';
  const { peers } = await link.call('status', {}, QUICK_MS);
  if (peers > 1)
    return { check, verdict: 'unsupported', found: 'not tried, since others are using the token now' };
  const { pid } = await link.call('hello', {}, QUICK_MS);
  const begun = performance.now();
  process.kill(pid, 'SIGKILL');
  try {
    // The line may break under the first request; that the second is answered is what counts.
    await link.call('random', { length: 8 }, QUICK_MS).catch((error: unknown) => {
      if (!isFault(error)) throw error;
    });
    await link.call('random', { length: 8 }, QUICK_MS);
    const found = `back after ${Math.round(performance.now() - begun)} ms`;
    return { check, verdict: 'pass', found };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return {
      check,
      verdict: 'fail',
      found: error.message,
      next: 'see the log of the agent in the runtime directory',
    };
  }
}

async function speed(link: AgentLink): Promise<DoctorFinding[]> {
  const figures = await bench(link, ['ecdsa-p256-sha256'], [1, 32]);
  return figures.map(({ outstanding, perSecond, medianMs, p99Ms }) => ({
    check: `speed, ${outstanding} at a time`,
    verdict: perSecond < 5 ? 'warn' : 'pass',
    found: `${perSecond.toFixed(0)} P-256 signatures a second, median ${medianMs.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`,
    ...(perSecond < 5
      ? { next: 'too slow for a certificate authority: three signatures go into one certificate' }
      : {}),
  }));
}

const MARK: Readonly<Record<DoctorFinding['verdict'], string>> = {
  pass: 'ok  ',
  warn: 'WARN',
  fail: 'FAIL',
  unsupported: '--  ',
};

/** The report as people read it. */
export function formatDoctorReport(report: DoctorReport): string {
  const { token } = report;
  const lines = [
    `token ${report.name}: ${token.label} (${token.manufacturer} ${token.model}, serial ${token.serial}, firmware ${token.firmware})`,
    `library: ${token.library}`,
    '',
    ...report.findings.flatMap(({ check, verdict, found, next }) => [
      `${MARK[verdict]}  ${check}: ${found}`,
      ...(next === undefined ? [] : [`      → ${next}`]),
    ]),
    '',
    ...report.mechanisms.map(
      ({ name, offered, minBits, maxBits }) =>
        `${offered ? 'ok  ' : '--  '}  ${name}${offered ? ` ${minBits}–${maxBits}` : ''}`,
    ),
    '',
    report.healthy
      ? 'This token can be used.'
      : 'This token must not be used until what failed is put right.',
  ];
  return `${lines.join('\n')}\n`;
}
