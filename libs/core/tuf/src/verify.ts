/**
 * The checks that a client makes, made before anything is published: a repository that we could not read
 * ourselves must never replace one that works.
 */
import { sha256, verifySignature } from '#core/crypto';
import { Fault, isFault } from '#core/fault';
import { equalOctets, fromHex, toHex } from '#core/octets';
import { readTufKey, tufKeyId } from './key.js';
import {
  parseTufFile,
  signingInput,
  type AnySigned,
  type FileFacts,
  type RootSigned,
  type TufFile,
} from './metadata.js';

/**
 * Proves that a threshold of the role's keys, as `root` lists them, signed `file`. Every signature present
 * must be of such a key and hold: clients may ignore a bad extra one, we never publish one.
 *
 * @throws {Fault} tuf/signature, tuf/threshold
 */
export function verifyTufFile(root: RootSigned, file: TufFile): void {
  const { keyids, threshold } = root.roles[file.signed._type];
  const input = signingInput(file.signed);
  const signers = new Set<string>();
  for (const { keyid, sig } of file.signatures) {
    const key = root.keys[keyid];
    if (key === undefined || !keyids.includes(keyid) || tufKeyId(key) !== keyid || signers.has(keyid)) {
      throw new Fault(
        'unverified',
        'tuf/signature',
        `${file.signed._type} carries a signature of a key outside its role`,
      );
    }
    try {
      verifySignature(readTufKey(key), input, fromHex(sig));
    } catch (cause) {
      if (!isFault(cause)) throw cause;
      throw new Fault('unverified', 'tuf/signature', `a signature under ${file.signed._type} does not hold`, {
        cause,
      });
    }
    signers.add(keyid);
  }
  if (signers.size < threshold) {
    throw new Fault(
      'unverified',
      'tuf/threshold',
      `${file.signed._type} has ${signers.size} signatures where ${threshold} are needed`,
    );
  }
}

export interface RepositoryFiles {
  /** Newest root. */
  readonly root: Uint8Array;
  readonly targets: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly timestamp: Uint8Array;
  /** The published bytes of each target, by name. */
  readonly targetFiles: ReadonlyMap<string, Uint8Array>;
}

function verifyFacts(name: string, facts: FileFacts, version: number, bytes: Uint8Array): void {
  if (
    facts.version !== version ||
    facts.length !== bytes.length ||
    facts.hashes.sha256 !== toHex(sha256(bytes))
  ) {
    throw new Fault('unverified', 'tuf/inconsistent', `${name} is not the file that the role above it lists`);
  }
}

function verifyCurrent(signed: AnySigned, now: string): void {
  // Same spelling on both sides (whole seconds, UTC), so the order of text is the order of time.
  if (signed.expires <= now)
    throw new Fault('refused', 'tuf/expired', `${signed._type} expired at ${signed.expires}`);
}

/**
 * Walks a repository as a client with an empty store does (TUF §5.3–5.7), the given root being trusted.
 *
 * @param now RFC 3339, UTC, whole seconds
 * @throws {Fault} tuf/… naming the first role that does not hold
 */
export function verifyRepository(files: RepositoryFiles, now: string): void {
  const root = parseTufFile(files.root, 'root');
  const timestamp = parseTufFile(files.timestamp, 'timestamp');
  const snapshot = parseTufFile(files.snapshot, 'snapshot');
  const targets = parseTufFile(files.targets, 'targets');
  for (const file of [root, timestamp, snapshot, targets]) {
    verifyTufFile(root.signed, file);
    verifyCurrent(file.signed, now);
  }
  verifyFacts('snapshot', timestamp.signed.meta['snapshot.json'], snapshot.signed.version, files.snapshot);
  verifyFacts('targets', snapshot.signed.meta['targets.json'], targets.signed.version, files.targets);
  for (const [name, facts] of Object.entries(targets.signed.targets)) {
    const bytes = files.targetFiles.get(name);
    if (
      bytes === undefined ||
      bytes.length !== facts.length ||
      !equalOctets(sha256(bytes), fromHex(facts.hashes.sha256))
    ) {
      throw new Fault(
        'unverified',
        'tuf/target',
        `target ${name} is missing or is not the file that targets.json lists`,
      );
    }
  }
}
