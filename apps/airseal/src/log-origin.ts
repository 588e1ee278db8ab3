/** Where the log of the trusted root answers, and who signs its checkpoints. */
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import { parsePublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import type { TreeHead } from '#core/merkle';
import { logVerifier, logVerifierV1, parseCheckpoint, parseNote, verifyNote } from '#core/note';
import { fromUtf8 } from '#core/octets';
import { trustedRootPath } from './places.js';
import { trustedRootIn } from './trusted-root-file.js';
import type { Flags } from './verb.js';

export function readTrustedRoot(flags: Flags): TrustedRoot {
  return trustedRootIn(trustedRootPath(flags));
}

/** The origin of the v1 log, which the doors of our own share. @throws {Fault} cli/no-such-log */
export function logOrigin({ tlogs: [log] }: TrustedRoot): string {
  if (log === undefined) throw new Fault('absent', 'cli/no-such-log', 'the trusted root names no log');
  return log.baseUrl.replace(/\/+$/, '');
}

/**
 * The head that a checkpoint of `tree` states, verified with the key that the trusted root has for its log.
 *
 * @throws {Fault} note/…
 */
export function verifiedHead({ tlogs }: TrustedRoot, tree: string, checkpoint: string): TreeHead {
  const v1 = tree.startsWith('rekor-v1/');
  const note = parseNote(fromUtf8(checkpoint));
  const { origin, size, root } = parseCheckpoint(note.text);
  const host = v1 ? (origin.split(' - ')[0] ?? origin) : origin;
  const verifiers = tlogs
    .filter(({ baseUrl }) => new URL(baseUrl).hostname === host)
    .map(({ publicKey }) => parsePublicKey(new Uint8Array(publicKey?.rawBytes ?? [])))
    .map((key) => (v1 ? logVerifierV1(host, key) : logVerifier(host, key)));
  verifyNote(note, verifiers);
  return { size, root };
}
