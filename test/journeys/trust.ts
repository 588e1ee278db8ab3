/** What a verifier believes: the trusted root, and what a log signs, checked with node's own cryptography. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toTrustMaterial, Verifier, type VerifierOptions } from '@sigstore/verify';
import { installation } from '../kit/index.js';
import { sha256 } from './signer.js';

export interface LogKey {
  readonly baseUrl: string;
  readonly key: KeyObject;
  readonly spki: Buffer;
  /** As `logId.keyId` says. */
  readonly logId: Buffer;
}

interface LogInFile {
  readonly baseUrl: string;
  readonly publicKey: { readonly rawBytes: string };
  readonly logId: { readonly keyId: string };
}

export interface TrustedRootFile {
  readonly mediaType: string;
  readonly tlogs: readonly LogInFile[];
  readonly ctlogs: readonly LogInFile[];
  readonly certificateAuthorities: readonly {
    readonly certChain: { readonly certificates: readonly { readonly rawBytes: string }[] };
  }[];
  readonly timestampAuthorities: readonly {
    readonly certChain: { readonly certificates: readonly { readonly rawBytes: string }[] };
  }[];
}

export function trustedRoot(): TrustedRootFile {
  return JSON.parse(readFileSync(installation().trustedRoot, 'utf8')) as TrustedRootFile;
}

function logKey({ baseUrl, publicKey, logId }: LogInFile): LogKey {
  const spki = Buffer.from(publicKey.rawBytes, 'base64');
  return {
    baseUrl,
    spki,
    key: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    logId: Buffer.from(logId.keyId, 'base64'),
  };
}

function only(logs: readonly LogInFile[], matches: (log: LogInFile) => boolean): LogKey {
  const [log, ...more] = logs.filter(matches);
  if (log === undefined || more.length > 0)
    throw new Error('the trusted root does not name exactly one such log');
  return logKey(log);
}

export const rekorV1Key = (): LogKey =>
  only(trustedRoot().tlogs, ({ baseUrl }) => baseUrl === installation().origin);
export const rekorV2Key = (): LogKey =>
  only(trustedRoot().tlogs, ({ baseUrl }) => baseUrl === installation().shardOrigin);
export const ctKey = (): LogKey => only(trustedRoot().ctlogs, () => true);

export function signed(log: LogKey, message: Uint8Array | string, signature: Uint8Array): boolean {
  return verify('sha256', Buffer.from(message), log.key, signature);
}

export interface ReadCheckpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

/**
 * Reads a checkpoint as CONTRACTS §3.7 and §4.4 spell it, and verifies its one signature line.
 *
 * @throws {Error} naming the first thing that is not so
 */
export function readCheckpoint(note: string, name: string, log: LogKey): ReadCheckpoint {
  const parts = /^([^\n]+)\n(0|[1-9]\d*)\n([A-Za-z0-9+/]{43}=)\n\n— ([^ \n]+) ([A-Za-z0-9+/]+=*)\n$/u.exec(
    note,
  );
  if (parts === null) throw new Error(`not a checkpoint with one signature:\n${note}`);
  const [, origin = '', size = '', root = '', signer = '', line = ''] = parts;
  if (signer !== name) throw new Error(`signed by ${signer}, not by ${name}`);
  const bytes = Buffer.from(line, 'base64');
  if (!bytes.subarray(0, 4).equals(sha256(log.spki).subarray(0, 4)))
    throw new Error('the hint is not that of the key');
  const text = note.slice(0, note.indexOf('\n\n') + 1);
  if (!signed(log, text, bytes.subarray(4))) throw new Error('the signature does not verify');
  return { origin, size: Number(size), root: Buffer.from(root, 'base64') };
}

/** The kept library of other people, with this installation's trusted root. */
export function sigstoreVerifier(options?: VerifierOptions): Verifier {
  const root: unknown = trustedRoot();
  return new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root)), options);
}
