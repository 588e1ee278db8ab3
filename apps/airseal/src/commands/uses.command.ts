/** `airseal hsm uses | reconcile`: how often keys were used, and whether everything that was signed stands in a book. */
import { Fault } from '#core/fault';
import { loadSettings } from '#platform';
import { askAppliance } from '../admin.js';
import { print, table } from '../output.js';
import { settingsPath } from '../places.js';
import type { Flags } from '../verb.js';
import { withToken } from './hsm.command.js';

export async function listUses(_operands: string[], flags: Flags): Promise<void> {
  const { counter, since, durable, block, breaks, uses } = await withToken(flags, (hsm, name) =>
    hsm.uses(name),
  );
  const rows = uses.map(({ key, label, purpose, counted, uncertain, failed, adrift, since: first }) => ({
    key,
    label,
    purpose,
    atLeast: (counted - uncertain - failed).toString(),
    atMost: counted.toString(),
    uncertain: uncertain.toString(),
    failed: failed.toString(),
    adrift: adrift.toString(),
    since: first.toISOString(),
  }));
  const told = breaks.map(({ at, reason }) => ({ at: at.toISOString(), reason }));
  print(flags, { counter, since: since.toISOString(), durable, block, uses: rows, breaks: told }, [
    ...table([
      ['key', 'purpose', 'at least', 'at most', 'uncertain', 'failed', 'adrift', 'since'],
      ...rows.map((row) => [
        row.label,
        row.purpose,
        row.atLeast,
        row.atMost,
        row.uncertain,
        row.failed,
        row.adrift,
        row.since,
      ]),
    ]),
    ...told.map(({ at, reason }) => `BREAK ${at}: ${reason}`),
    `counter ${counter} of this host, since ${since.toISOString()}; a crash adds at most ${block} to each line`,
  ]);
}

interface Row {
  readonly keys: readonly string[];
  readonly labels: readonly string[];
  readonly purpose: string;
  readonly book: string;
  readonly atLeast: string;
  readonly atMost: string;
  readonly booked: string | null;
  readonly residual: string;
  readonly verdict: string;
  readonly because: string;
}

interface Answer {
  readonly at: string;
  readonly findings: number;
  readonly uses: readonly Row[];
  readonly breaks: readonly { readonly counter: string; readonly at: string; readonly reason: string }[];
}

export async function reconcileUses(_operands: string[], flags: Flags): Promise<void> {
  const { socket } = loadSettings(settingsPath(flags)).listen.admin;
  const answer = (await askAppliance(socket, 'POST', '/admin/v1/hsm/reconcile')) as unknown as Answer;
  const { at, findings, uses, breaks } = answer;
  print(
    flags,
    {
      at,
      findings,
      uses: uses.map((row) => ({ ...row, keys: [...row.keys], labels: [...row.labels] })),
      breaks: breaks.map((one) => ({ ...one })),
    },
    [
      ...table([
        ['verdict', 'purpose', 'key', 'counted', 'booked', 'residual', 'book'],
        ...uses.map((row) => [
          row.verdict === 'finding' ? 'FINDING' : row.verdict,
          row.purpose,
          row.labels.join(' '),
          row.atLeast === row.atMost ? row.atMost : `${row.atLeast}–${row.atMost}`,
          row.booked ?? '-',
          row.residual,
          row.book,
        ]),
      ]),
      ...uses
        .filter(({ verdict }) => verdict === 'finding' || verdict === 'explained')
        .map(
          (row) => `${row.verdict === 'finding' ? 'FINDING' : 'explained'} ${row.purpose}: ${row.because}`,
        ),
      ...breaks.map(({ counter, at: when, reason }) => `BREAK ${when} in counter ${counter}: ${reason}`),
      `compared at ${at}; ${findings} findings`,
    ],
  );
  if (findings > 0) {
    throw new Fault(
      'refused',
      'hsm/not-reconciled',
      `${findings} findings: signatures and books do not agree; see docs/operating.md`,
    );
  }
}
