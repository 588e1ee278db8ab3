/** `airseal search`: who signed what, in both faces of the log, and how much of them the answer covers. */
import { existsSync } from 'node:fs';
import { sha256 } from '#core/crypto';
import { keyFingerprint, readPemVerifier } from '#core/entry';
import { Fault, isFault } from '#core/fault';
import { fromUtf8, toHex } from '#core/octets';
import { print, table } from '../output.js';
import { flag, readArtifact, readText } from '../places.js';
import type { Flags } from '../verb.js';
import { type Answer, type Hit, searchLogs, type SearchedTree } from '../search.js';
import { predicateType } from '../statement.js';

/** Flags that go into the question as they are. */
const WORDS = ['digest', 'identity', 'issuer', 'subject', 'from', 'to', 'face', 'tree'] as const;

export function limitOf(flags: Flags): number | undefined {
  if (flags['all'] === true) return undefined;
  const text = flag(flags, 'limit') ?? '100';
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new Fault('malformed', 'cli/limit', '--limit is a number from 1 on; --all has none');
  return Number(text);
}

/**
 * What is asked for a key. A key in a file, or in PEM, is told by its fingerprint alone: whoever names the file of a private
 * key by mistake must not send it anywhere.
 *
 * @throws {Fault} cli/not-a-key
 */
function keyIn(fileOrText: string): string {
  const isFile = existsSync(fileOrText);
  if (!isFile && !fileOrText.includes('-----BEGIN')) return fileOrText;
  const pem = isFile ? readText(fileOrText, 'key') : fileOrText;
  try {
    return keyFingerprint(readPemVerifier(fromUtf8(pem)).key.spki);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    throw new Fault(
      'malformed',
      'cli/not-a-key',
      '--key is a public key or a certificate in PEM, or a file of one; nothing was sent',
      { cause },
    );
  }
}

/** What the flags ask. @throws {Fault} cli/empty-search, cli/not-a-key */
export function questionOf(flags: Flags): URLSearchParams {
  const asked = new URLSearchParams();
  for (const name of WORDS) {
    const value = flag(flags, name);
    if (value !== undefined) asked.set(name, value);
  }
  const predicate = flag(flags, 'predicate');
  if (predicate !== undefined) asked.set('predicate', predicateType(predicate));
  const key = flag(flags, 'key');
  if (key !== undefined) asked.set('key', keyIn(key));
  const artifact = flag(flags, 'artifact');
  if (artifact !== undefined) asked.set('digest', `sha256:${toHex(sha256(readArtifact(artifact)))}`);
  const about = flag(flags, 'about');
  if (about !== undefined) asked.set('subject', `sha256:${toHex(sha256(readArtifact(about)))}`);
  if ([...asked.keys()].length === 0) {
    throw new Fault(
      'malformed',
      'cli/empty-search',
      'say what to look for: --artifact, --digest, --identity, --issuer, --key, --subject, --predicate, --from, --to; see --help',
    );
  }
  return asked;
}

function signerText({ signers }: Hit): string {
  return signers
    .map(({ identities, key }) => (identities.length > 0 ? identities.join(' ') : `key ${key.slice(0, 16)}…`))
    .join(', ');
}

function coverText({ tree, size, checkpoint, window, coverage, timeSource }: SearchedTree): string {
  if (checkpoint === undefined) return `${tree}: no entry, as the log says; no checkpoint proves it`;
  const all = window.first === '0' && window.end === size;
  const range = all
    ? `entries 0 to ${size}`
    : `entries ${window.first} to ${window.end} of ${size}, by the ${timeSource === 'appliance' ? 'appliance’s clock' : 'log’s time'}`;
  if (coverage === undefined) return `${tree}: ${range}, checkpoint verified`;
  const { held, missing, unknown } = coverage;
  return `${tree}: ${range}, checkpoint verified; ${held} statements held, ${missing} envelopes not held, ${unknown} entries may be envelopes that nobody deposited`;
}

/** The lines for people, and the one for machines. */
export function printAnswer(flags: Flags, { trees, hits, more }: Answer): void {
  const record = {
    trees: trees.map(
      (tree) =>
        JSON.parse(JSON.stringify({ ...tree, checkpointVerified: tree.checkpoint !== undefined })) as never,
    ),
    hits: hits.map((hit) => JSON.parse(JSON.stringify(hit)) as never),
    more,
  };
  print(flags, record, [
    ...(hits.length === 0
      ? []
      : table([
          ['time', 'log', 'index', 'kind', 'signer', 'statement'],
          ...hits.map((hit) => [
            hit.time,
            hit.face,
            hit.logIndex,
            hit.kind,
            signerText(hit),
            hit.statement?.sha256 ?? (hit.envelope === 'yes' ? 'not held' : ''),
          ]),
        ])),
    `${hits.length} found${more ? ', and there are more (--limit, --all)' : ''}`,
    ...trees.map(coverText),
  ]);
}

export async function search(_operands: string[], flags: Flags): Promise<void> {
  printAnswer(flags, await searchLogs(flags, questionOf(flags), limitOf(flags)));
}
