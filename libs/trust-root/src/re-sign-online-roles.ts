/**
 * How the snapshot and the timestamp stay fresh.
 *
 *   1. lock     one replica at a time, in PostgreSQL
 *   2. look     the newest of what is recorded and what is published; the record wins when it is ahead
 *   3. decide   a role is due past half its life; the timestamp also when the snapshot changed
 *   4. sign     with the online token's keys, one version up
 *   5. check    as a client would, with two readers
 *   6. record   in PostgreSQL, and commit: from now on this version is taken, whatever happens here
 *   7. publish  to the directory, the timestamp last
 *
 * The record comes before the publication: a version that was recorded and not published is published at
 * the next run with the same bytes, while one published and not recorded could be signed twice.
 */
import {
  draftSnapshot,
  draftTimestamp,
  parseTufFile,
  verifyRepository,
  type RepositoryFiles,
} from '#core/tuf';
import { sha256 } from '#core/crypto';
import { toHex } from '#core/octets';
import type { Signer } from '#hsm';
import type { Clock } from '#platform';
import { instantMs, instantText } from './instant.js';
import type { RepositoryDirectory } from './repository-directory.js';
import { readAsClientsDo } from './second-reader.js';
import { signTufFile } from './sign-tuf-file.js';
import type { OnlineValidity } from './validity.js';

export interface OnlineFiles {
  readonly snapshot: Uint8Array;
  readonly timestamp: Uint8Array;
}

/** Where signed versions are remembered, so that no number is ever signed twice. */
export interface SigningRecord {
  /**
   * Runs `story` while nobody else signs; what it `record`s is durable before the promise resolves, and
   * nothing is recorded if it throws.
   */
  exclusively<T>(story: (open: OpenRecord) => Promise<T>): Promise<T>;
}

export interface OpenRecord {
  /** The newest recorded pair, `undefined` before the first. */
  newest(): Promise<OnlineFiles | undefined>;
  record(files: OnlineFiles): Promise<void>;
}

export interface ReSignPorts {
  readonly clock: Clock;
  readonly directory: RepositoryDirectory;
  readonly record: SigningRecord;
  /** Asked only when something is due, so that a missing token does not matter until then. */
  readonly signers: { snapshot(): Promise<Signer>; timestamp(): Promise<Signer> };
  readonly validity: OnlineValidity;
  /** Called with what is now published. */
  readonly published: (files: RepositoryFiles) => void;
}

export type ReSigned = 'nothing' | 'timestamp' | 'snapshot and timestamp';

export class ReSignOnlineRoles {
  readonly #ports: ReSignPorts;

  constructor(ports: ReSignPorts) {
    this.#ports = ports;
  }

  /** @throws {Fault} tuf/no-repository before genesis; of kind `unavailable` when token or database are away */
  async execute(): Promise<ReSigned> {
    const { directory, record, published } = this.#ports;
    const { files, signed } = await record.exclusively(async (open) => {
      const onDisk = await directory.read();
      const recorded = await open.newest();
      const standing =
        recorded !== undefined && isAhead(recorded, onDisk) ? { ...onDisk, ...recorded } : onDisk;
      if (recorded === undefined || isAhead(standing, recorded)) await open.record(standing);

      const snapshot = (await this.#snapshot(standing)) ?? standing.snapshot;
      const timestamp = (await this.#timestamp(standing, snapshot)) ?? standing.timestamp;
      const next = { ...standing, snapshot, timestamp };
      const signed: ReSigned =
        timestamp === standing.timestamp
          ? 'nothing'
          : snapshot === standing.snapshot
            ? 'timestamp'
            : 'snapshot and timestamp';
      verifyRepository(next, instantText(this.#ports.clock.nowMs()));
      readAsClientsDo(next);
      if (signed !== 'nothing') await open.record(next);
      return { files: next, signed };
    });
    await directory.publish(files);
    published(files);
    return signed;
  }

  async #snapshot(standing: RepositoryFiles): Promise<Uint8Array | undefined> {
    const { clock, signers, validity } = this.#ports;
    const { signed } = parseTufFile(standing.snapshot, 'snapshot');
    if (!pastHalfLife(signed.expires, validity.snapshotMs, clock.nowMs())) return undefined;
    const expires = instantText(clock.nowMs() + validity.snapshotMs);
    const targetsVersion = signed.meta['targets.json'].version;
    const draft = draftSnapshot(signed.version + 1, expires, targetsVersion, standing.targets);
    return signTufFile(draft, [await signers.snapshot()]);
  }

  async #timestamp(standing: RepositoryFiles, snapshot: Uint8Array): Promise<Uint8Array | undefined> {
    const { clock, signers, validity } = this.#ports;
    const { signed } = parseTufFile(standing.timestamp, 'timestamp');
    const renamed = signed.meta['snapshot.json'].hashes.sha256 !== toHex(sha256(snapshot));
    if (!renamed && !pastHalfLife(signed.expires, validity.timestampMs, clock.nowMs())) return undefined;
    const expires = instantText(clock.nowMs() + validity.timestampMs);
    const { version } = parseTufFile(snapshot, 'snapshot').signed;
    const draft = draftTimestamp(signed.version + 1, expires, version, snapshot);
    return signTufFile(draft, [await signers.timestamp()]);
  }
}

function pastHalfLife(expires: string, lifeMs: number, nowMs: number): boolean {
  return instantMs(expires) - nowMs < lifeMs / 2;
}

function isAhead(a: OnlineFiles, b: OnlineFiles): boolean {
  return (
    parseTufFile(a.timestamp, 'timestamp').signed.version >
    parseTufFile(b.timestamp, 'timestamp').signed.version
  );
}
