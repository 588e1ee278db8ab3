/** `airseal statement put | get | list`: the signed statements beside the logs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { paeOf, readKept } from '#core/entry';
import { Fault } from '#core/fault';
import { askDoor } from '../ask-door.js';
import { depositStatement } from '../deposit.js';
import { logOrigin, readTrustedRoot } from '../log-origin.js';
import { print } from '../output.js';
import { flag } from '../places.js';
import type { Flags } from '../verb.js';
import { searchLogs } from '../search.js';
import { limitOf, printAnswer, questionOf } from './search.command.js';

export async function putStatement([path = '']: string[], flags: Flags): Promise<void> {
  let octets: Uint8Array;
  try {
    octets = new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new Fault('absent', 'cli/file-not-found', `cannot read the envelope or bundle ${path}`, { cause });
  }
  const { statement, created, entries } = await depositStatement(flags, octets);
  print(flags, { statement, created, entries: entries.map((entry) => ({ ...entry })) }, [
    `${created ? 'deposited' : 'held already'}: statement ${statement}`,
    ...entries.map(({ face, logIndex, tree }) => `  for entry ${logIndex} of ${face} (${tree})`),
  ]);
}

export async function getStatement([name = '']: string[], flags: Flags): Promise<void> {
  const { octets } = await askDoor(
    flags,
    `${logOrigin(readTrustedRoot(flags))}/airseal/v1/statements/${encodeURIComponent(name)}`,
  );
  // The name is the digest of what the envelope signs, so the answer needs no trust.
  if (paeOf(readKept(octets)) !== name.toLowerCase()) {
    throw new Fault(
      'unverified',
      'cli/other-statement',
      'the answer is another statement than the one asked for',
    );
  }
  const file = flag(flags, 'file');
  if (file === undefined) {
    process.stdout.write(octets);
    return;
  }
  writeFileSync(file, octets);
  print(flags, { statement: name, file, octets: octets.length }, [`${octets.length} octets in ${file}`]);
}

export async function listStatements(_operands: string[], flags: Flags): Promise<void> {
  const asked = questionOf(flags);
  if (!asked.has('subject') && !asked.has('predicate')) {
    throw new Fault(
      'malformed',
      'cli/empty-search',
      'say what the statements are about: --about FILE, --subject or --predicate',
    );
  }
  printAnswer(flags, await searchLogs(flags, asked, limitOf(flags)));
}
