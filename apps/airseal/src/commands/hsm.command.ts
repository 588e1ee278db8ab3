/** `airseal hsm list | doctor | bench`: what a token holds, whether it will do, and how fast it is. */
import { Fault } from '#core/fault';
import { toHex } from '#core/octets';
import { Hsm, journalDirectory } from '#hsm';
import { loadSettings } from '#platform';
import { print, table } from '../output.js';
import { flag, settingsPath } from '../places.js';
import type { Flags } from '../verb.js';

/** Opens the token that the flags name. */
export async function withToken<T>(flags: Flags, use: (hsm: Hsm, token: string) => Promise<T>): Promise<T> {
  const settings = loadSettings(settingsPath(flags));
  const token = flag(flags, 'token') ?? 'online';
  if (!Object.hasOwn(settings.hsm.tokens, token)) {
    const known = Object.keys(settings.hsm.tokens).join(', ');
    throw new Fault('absent', 'cli/no-token', `the settings name no token ${token}; they name: ${known}`);
  }
  const hsm = await Hsm.open({
    tokens: settings.hsm.tokens,
    runtimeDir: settings.runtimeDir,
    journalDir: journalDirectory(settings),
    mode: settings.mode,
  });
  try {
    return await use(hsm, token);
  } finally {
    await hsm.close();
  }
}

export async function listKeys(_operands: string[], flags: Flags): Promise<void> {
  const { token, keys, others } = await withToken(flags, (hsm, name) => hsm.inventory(name));
  const rows = keys.map((key) => ({
    uri: key.uri,
    algorithm: key.algorithm,
    id: toHex(key.id),
    attributes: key.report.holds ? 'hold' : 'FAIL',
    failed: key.report.rows.filter((row) => row.verdict === 'fail').map((row) => row.check),
  }));
  print(
    flags,
    { token: token.label, model: token.model, serial: token.serial, keys: rows, others: others.length },
    [
      `${token.label}: ${token.manufacturer} ${token.model}, serial ${token.serial}, PIN ${token.pin}`,
      ...table(rows.map((row) => [row.uri, row.algorithm, `id ${row.id}`, `attributes ${row.attributes}`])),
      ...others.map((other) => `other object: ${other.label} (${other.what})`),
    ],
  );
}

export async function examineToken(_operands: string[], flags: Flags): Promise<void> {
  const report = await withToken(flags, (hsm, name) => hsm.doctor(name));
  const findings = report.findings.map((finding) => ({ ...finding, next: finding.next ?? '' }));
  print(
    flags,
    {
      token: report.name,
      healthy: report.healthy,
      eligibleForProduction: report.eligibleForProduction,
      mechanisms: report.mechanisms,
      findings,
    },
    [
      `${report.token.label}: ${report.token.manufacturer} ${report.token.model}, library ${report.token.library}`,
      ...table(findings.map((each) => [each.verdict.toUpperCase(), each.check, each.found, each.next])),
      report.eligibleForProduction
        ? 'eligible for production'
        : 'not eligible for production: software token',
    ],
  );
  if (!report.healthy)
    throw new Fault('refused', 'hsm/not-healthy', 'the token failed the examination; see the findings above');
}

export async function measureToken(_operands: string[], flags: Flags): Promise<void> {
  const figures = await withToken(flags, (hsm, name) => hsm.bench(name));
  const rows = figures.map((each) => ({ ...each }));
  print(flags, { figures: rows }, [
    ...table([
      ['algorithm', 'outstanding', 'signatures/s', 'median ms', 'p99 ms'],
      ...rows.map((each) => [
        each.algorithm,
        String(each.outstanding),
        each.perSecond.toFixed(0),
        each.medianMs.toFixed(2),
        each.p99Ms.toFixed(2),
      ]),
    ]),
  ]);
}
