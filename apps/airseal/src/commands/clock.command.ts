/**
 * `airseal clock status | records | declare | confirm`: whose word the time is, what was kept about it, and how two persons
 * give theirs.
 *
 * A password comes from a file or from the terminal, never from the command line. What a clock shows is read as late as
 * can be: without --time the person is asked for it after the password, so that typing costs no accuracy.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Fault } from '#core/fault';
import { loadSettings } from '#platform';
import { askAppliance } from '../admin.js';
import { print, progress, table } from '../output.js';
import { flag, requiredFlag, settingsPath } from '../places.js';
import type { Flags } from '../verb.js';

const CLOCK = '/admin/v1/clock';

interface Source {
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly offsetMs?: number;
  readonly errorMs?: number;
  readonly ageSeconds?: number;
  readonly reason?: string;
}

interface Clock {
  readonly standing: string;
  readonly trusted: boolean;
  readonly reason?: string;
  readonly offsetMs?: number;
  readonly errorMs?: number;
  readonly holdoverSeconds: number;
  readonly machine: string;
  readonly believed: string;
  readonly floor?: string;
  readonly sources: readonly Source[];
}

interface ClockRecord {
  readonly id: string;
  readonly node: string;
  readonly believed: string;
  readonly machine: string;
  readonly database: string;
  readonly what: string;
  readonly standing: string;
  readonly report: { readonly errorMs?: number; readonly sources?: readonly Source[] };
}

type Printed = Parameters<typeof print>[1];

function ask(flags: Flags, method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  return askAppliance(loadSettings(settingsPath(flags)).listen.admin.socket, method, path, body);
}

function ms(value: number | undefined): string {
  return value === undefined ? '-' : `${value.toFixed(3)} ms`;
}

function printClock(flags: Flags, answer: Record<string, unknown>): void {
  const clock = answer as unknown as Clock;
  const agreed =
    clock.offsetMs === undefined
      ? []
      : [`agreed time is ${ms(clock.offsetMs)} from this machine’s, give or take ${ms(clock.errorMs)}`];
  print(flags, answer as Printed, [
    `${clock.standing}${clock.trusted ? '' : `: ${clock.reason ?? ''}`}`,
    `machine  ${clock.machine}`,
    `believed ${clock.believed}`,
    ...(clock.floor === undefined ? [] : [`floor    ${clock.floor}`]),
    ...agreed,
    ...(clock.holdoverSeconds > 0 ? [`the sources last agreed ${clock.holdoverSeconds} s ago`] : []),
    ...(clock.sources.length === 0 ? ['no sources: the clock of this machine is the only voice'] : []),
    ...table(
      clock.sources.map(({ name, kind, status, offsetMs, errorMs, reason }) => [
        name,
        kind,
        status,
        ms(offsetMs),
        `± ${ms(errorMs)}`,
        reason ?? '',
      ]),
    ),
  ]);
}

export async function showClock(_operands: string[], flags: Flags): Promise<void> {
  printClock(flags, await ask(flags, 'GET', CLOCK));
}

export async function listClockRecords(_operands: string[], flags: Flags): Promise<void> {
  const asked = new URLSearchParams();
  for (const name of ['from', 'to'] as const) {
    const value = flag(flags, name);
    if (value !== undefined) asked.set(name, value);
  }
  const records: ClockRecord[] = [];
  for (;;) {
    const page = (await ask(flags, 'GET', `${CLOCK}/records?${asked.toString()}`)) as unknown as {
      records: ClockRecord[];
      more: boolean;
    };
    records.push(...page.records);
    const last = page.records.at(-1);
    if (!page.more || last === undefined) break;
    asked.set('after', last.id);
  }
  print(flags, { records } as unknown as Printed, [
    ...table([
      ['believed', 'database', 'node', 'what', 'standing', 'error', 'sources'],
      ...records.map(({ believed, database, node, what, standing, report }) => [
        believed,
        database,
        node,
        what,
        standing,
        ms(report.errorMs),
        (report.sources ?? [])
          .map((source) => `${source.name} ${source.status} ${ms(source.offsetMs)}`)
          .join(', '),
      ]),
    ]),
    `${records.length} records`,
  ]);
}

export async function declareTime(_operands: string[], flags: Flags): Promise<void> {
  printClock(flags, await give('declare', flags));
  progress('another person confirms it within a quarter of an hour: airseal clock confirm');
}

export async function confirmTime(_operands: string[], flags: Flags): Promise<void> {
  printClock(flags, await give('confirm', flags));
}

async function give(verb: 'declare' | 'confirm', flags: Flags): Promise<Record<string, unknown>> {
  const email = requiredFlag(flags, 'person', '--person');
  const withinSeconds = Number(flag(flags, 'within') ?? '10');
  const file = flag(flags, 'passwordFile');
  const password = file === undefined ? await prompt(`password of ${email}: `, true) : passwordIn(file);
  const time =
    flag(flags, 'time') ?? (await prompt('the time your clock shows, UTC, such as 2026-11-22T08:30:00Z: '));
  const instant = readInstant(time);
  return await ask(flags, 'POST', `${CLOCK}/${verb}`, {
    email,
    password,
    time: instant.toISOString(),
    withinSeconds,
  });
}

/**
 * Without its zone a time would be taken for that of this machine's zone: hours off, and the second person's with it.
 *
 * @throws {Fault} cli/time
 */
export function readInstant(text: string): Date {
  const instant = new Date(text);
  const whole = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/.test(text);
  if (!whole || Number.isNaN(instant.getTime()))
    throw new Fault('malformed', 'cli/time', 'write the time with its zone, as 2026-11-22T08:30:00Z');
  return instant;
}

function passwordIn(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new Fault('absent', 'cli/file-not-found', `cannot read the password from ${path}`, { cause });
  }
}

/** Asks on standard error; what is typed after a hidden question is shown nowhere. */
async function prompt(question: string, hidden = false): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new Fault(
      'malformed',
      'cli/no-terminal',
      'there is no terminal to ask on; give --password-file and --time',
    );
  }
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: hidden ? nowhere : process.stderr,
    terminal: true,
  });
  try {
    return (await lines.question('')).trim();
  } finally {
    lines.close();
    if (hidden) process.stderr.write('\n');
  }
}
