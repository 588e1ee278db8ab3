/**
 * The kinds of Rekor v1 that this log keeps, each in a file of its own.
 *
 * Messages follow Rekor's own wording; a door puts `error processing entry: ` in front (CONTRACTS §3.2).
 */
import { Fault } from '#core/fault';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '#core/json';
import type { EntryKind, LeafContent, ProposedEntry } from '../proposed-entry.js';
import { malformed } from '../refuse.js';
import { dsse001 } from './dsse-0.0.1.js';
import { hashedrekord001 } from './hashedrekord-0.0.1.js';
import { intoto001 } from './intoto-0.0.1.js';
import { intoto002 } from './intoto-0.0.2.js';

const KINDS: readonly EntryKind[] = [hashedrekord001, dsse001, intoto001, intoto002];
/** Kinds that Rekor knows and this log does not keep. */
const OTHER_KINDS = ['rekord', 'rfc3161', 'tuf', 'helm', 'rpm', 'jar', 'alpine', 'cose'];

function unsupported(what: string): Fault {
  return new Fault('malformed', 'entry/kind', what);
}

function kindOf(entry: JsonValue): { kind: EntryKind; spec: JsonObject } {
  if (!isJsonObject(entry)) throw malformed('proposed entry cannot be nil');
  const { kind: name, apiVersion, spec } = entry;
  if (typeof name !== 'string') throw malformed('missing kind');
  if (typeof apiVersion !== 'string') throw malformed('api version cannot be nil');
  const versions = KINDS.filter((one) => one.kind === name);
  if (versions.length === 0) {
    throw unsupported(
      OTHER_KINDS.includes(name)
        ? `entry kind '${name}' is not enabled for submission on this server`
        : `invalid kind value: ${JSON.stringify(name.slice(0, 64))}`,
    );
  }
  const kind = versions.find((one) => one.version === apiVersion);
  if (kind === undefined) {
    throw unsupported(`${name} implementation for version '${apiVersion.slice(0, 64)}' not found`);
  }
  if (!isJsonObject(spec)) throw malformed('missing spec');
  return { kind, spec };
}

/**
 * The entry that the body of `POST /api/v1/log/entries` proposes.
 *
 * @throws {Fault} json/malformed, entry/…; each means 400 to the client
 */
export function readV1Entry(body: Uint8Array): ProposedEntry {
  const { kind, spec } = kindOf(parseJson(body));
  return kind.read(spec);
}

/**
 * The leaf that `entry` has or would have, for look-ups (`entries/retrieve`): takes proposed entries and the
 * form in which they stand in the log. Signatures are not checked; a leaf that is not in the log is not found.
 *
 * @throws {Fault} entry/…
 */
export function canonicaliseV1(entry: JsonValue): Uint8Array {
  const { kind, spec } = kindOf(entry);
  return kind.canonicalise(spec);
}

/** What `entry`, as it stands in the log, says by itself. @throws {Fault} entry/… */
export function readV1Leaf(entry: JsonValue): LeafContent {
  const { kind, spec } = kindOf(entry);
  return kind.readLeaf(spec);
}
