/**
 * TUF metadata: what each of the four top-level roles says, and the bytes it signs.
 *
 * Signatures are over the OLPC canonical form of `signed` (TUF §4.2; not RFC 8785: newlines inside PEM stay
 * raw), while the file itself is ordinary JSON. Times are whole seconds in UTC without a fraction, since two
 * clients parse and write them again before they check the signature (CONTRACTS §7.2). There are no
 * delegations: two clients ignore them.
 *
 * @see The Update Framework Specification 1.0.33 §4
 */
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { olpcJson, parseJson } from '#core/json';
import { fromUtf8, toHex } from '#core/octets';
import { tufKey, tufKeyId, type TufKey } from './key.js';

export type RoleName = 'root' | 'targets' | 'snapshot' | 'timestamp';
export const ROLE_NAMES: readonly RoleName[] = ['root', 'targets', 'snapshot', 'timestamp'];

const SPEC_VERSION = '1.0.33';

interface Signed<Type extends RoleName> {
  readonly _type: Type;
  readonly spec_version: string;
  readonly version: number;
  readonly expires: string;
}

export interface RootSigned extends Signed<'root'> {
  readonly consistent_snapshot: boolean;
  readonly keys: Readonly<Record<string, TufKey>>;
  readonly roles: Readonly<
    Record<RoleName, { readonly keyids: readonly string[]; readonly threshold: number }>
  >;
}

/** Where another file is described: its version, and exactly the bytes that were published. */
export interface FileFacts {
  readonly version: number;
  readonly length: number;
  readonly hashes: { readonly sha256: string };
}

export interface TargetFacts {
  readonly length: number;
  readonly hashes: { readonly sha256: string };
  readonly custom?: { readonly sigstore: SigstoreCustom };
}

/** What clients from before `trusted_root.json` read to tell keys apart (CONTRACTS §7.3). */
export interface SigstoreCustom {
  readonly usage: 'Fulcio' | 'Rekor' | 'CTFE' | 'TSA' | 'Unknown';
  readonly status: 'Active' | 'Expired';
  readonly uri: string;
}

export interface TargetsSigned extends Signed<'targets'> {
  readonly targets: Readonly<Record<string, TargetFacts>>;
}
export interface SnapshotSigned extends Signed<'snapshot'> {
  readonly meta: { readonly 'targets.json': FileFacts };
}
export interface TimestampSigned extends Signed<'timestamp'> {
  readonly meta: { readonly 'snapshot.json': FileFacts };
}

export type AnySigned = RootSigned | TargetsSigned | SnapshotSigned | TimestampSigned;

export interface TufSignature {
  readonly keyid: string;
  /** Lower-case hex of the DER signature. */
  readonly sig: string;
}

export interface TufFile<S extends AnySigned = AnySigned> {
  readonly signed: S;
  readonly signatures: readonly TufSignature[];
}

/** RFC 3339 in UTC with whole seconds, the only spelling of a time here. */
const INSTANT = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

function head<Type extends RoleName>(type: Type, version: number, expires: string): Signed<Type> {
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new Fault('malformed', 'tuf/version', `the version of ${type} must be a whole number from 1 on`);
  }
  if (!INSTANT.test(expires)) {
    throw new Fault('malformed', 'tuf/expires', `write the expiry of ${type} as YYYY-MM-DDTHH:MM:SSZ`);
  }
  return { _type: type, spec_version: SPEC_VERSION, version, expires };
}

export interface RootPlan {
  readonly version: number;
  readonly expires: string;
  /** SubjectPublicKeyInfo of each key of each role. */
  readonly roles: Readonly<
    Record<RoleName, { readonly keys: readonly Uint8Array[]; readonly threshold: number }>
  >;
}

export function draftRoot(plan: RootPlan): RootSigned {
  const keys: Record<string, TufKey> = {};
  const role = (name: RoleName) => {
    const keyids = plan.roles[name].keys.map((spki) => {
      const key = tufKey(spki);
      const id = tufKeyId(key);
      keys[id] = key;
      return id;
    });
    return { keyids, threshold: plan.roles[name].threshold };
  };
  const roles = {
    root: role('root'),
    targets: role('targets'),
    snapshot: role('snapshot'),
    timestamp: role('timestamp'),
  };
  return { ...head('root', plan.version, plan.expires), consistent_snapshot: true, keys, roles };
}

export interface TargetPlan {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly custom?: SigstoreCustom;
}

/** One flat name per target: clients put the hash before the last path element, some only handle one. */
const TARGET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export function draftTargets(version: number, expires: string, plans: readonly TargetPlan[]): TargetsSigned {
  const targets: Record<string, TargetFacts> = {};
  for (const { name, bytes, custom } of plans) {
    if (!TARGET_NAME.test(name) || Object.hasOwn(targets, name)) {
      throw new Fault(
        'malformed',
        'tuf/target-name',
        `"${name}" is not usable, or used twice, as a target's name`,
      );
    }
    // Only sha256 is listed: clients differ in which of several hashes they put into the URL.
    targets[name] = {
      length: bytes.length,
      hashes: { sha256: toHex(sha256(bytes)) },
      ...(custom === undefined ? {} : { custom: { sigstore: custom } }),
    };
  }
  return { ...head('targets', version, expires), targets };
}

function factsOf(version: number, bytes: Uint8Array): FileFacts {
  return { version, length: bytes.length, hashes: { sha256: toHex(sha256(bytes)) } };
}

/** @param targets the published bytes of `<targetsVersion>.targets.json` */
export function draftSnapshot(
  version: number,
  expires: string,
  targetsVersion: number,
  targets: Uint8Array,
): SnapshotSigned {
  return {
    ...head('snapshot', version, expires),
    meta: { 'targets.json': factsOf(targetsVersion, targets) },
  };
}

/** @param snapshot the published bytes of `<snapshotVersion>.snapshot.json` */
export function draftTimestamp(
  version: number,
  expires: string,
  snapshotVersion: number,
  snapshot: Uint8Array,
): TimestampSigned {
  return {
    ...head('timestamp', version, expires),
    meta: { 'snapshot.json': factsOf(snapshotVersion, snapshot) },
  };
}

/** The bytes that the keys of the role sign. */
export function signingInput(signed: AnySigned): Uint8Array {
  return olpcJson(plain(signed));
}

/** The file as it is published. */
export function formatTufFile(file: TufFile): Uint8Array {
  const signatures = file.signatures.toSorted((a, b) => (a.keyid < b.keyid ? -1 : a.keyid > b.keyid ? 1 : 0));
  return fromUtf8(`${JSON.stringify({ signatures, signed: file.signed }, null, 1)}\n`);
}

export function tufSignature(spki: Uint8Array, signature: Uint8Array): TufSignature {
  return { keyid: tufKeyId(tufKey(spki)), sig: toHex(signature) };
}

/**
 * Reads a file that we published ourselves. Structure deeper than what is used here is left to the
 * signatures, which the caller must check with {@link verifyTufFile} before relying on it.
 *
 * @throws {Fault} tuf/not-metadata
 */
export function parseTufFile<Type extends RoleName>(
  bytes: Uint8Array,
  type: Type,
): TufFile<Extract<AnySigned, { readonly _type: Type }>> {
  const file = parseJson(bytes) as {
    signed?: { _type?: unknown; version?: unknown; expires?: unknown };
    signatures?: unknown;
  };
  const { signed, signatures } = file ?? {};
  const shaped =
    signed?._type === type &&
    Number.isSafeInteger(signed.version) &&
    typeof signed.expires === 'string' &&
    INSTANT.test(signed.expires) &&
    Array.isArray(signatures) &&
    signatures.every(
      (entry: Partial<TufSignature> | null) =>
        typeof entry?.keyid === 'string' && typeof entry.sig === 'string',
    );
  if (!shaped)
    throw new Fault('malformed', 'tuf/not-metadata', `these bytes are not a signed TUF ${type} file`);
  return file as unknown as TufFile<Extract<AnySigned, { readonly _type: Type }>>;
}

/** The same value without the compiler's interfaces, as the canonicaliser takes it. */
function plain(signed: AnySigned): Parameters<typeof olpcJson>[0] {
  return signed as unknown as Parameters<typeof olpcJson>[0];
}
