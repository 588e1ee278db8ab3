/**
 * One shard of the log as Rekor v2 shows it: a host name, an append call, and files.
 *
 * An exact duplicate is a conflict, with one exception: a client whose connection was gone before our answer was
 * written does not know that it succeeded, and no client can do anything with a conflict. Its retry gets the
 * entry it made, with a fresh proof (CONTRACTS §4.3).
 */
import { Fault, isFault } from '#core/fault';
import { leafHash } from '#core/merkle';
import { toBase64 } from '#core/octets';
import type { Appended, Tree } from '#tree';
import type { CheckedEntry, EntryChecker } from '../checked-entry.js';

export interface V2Answer {
  /** TransparencyLogEntry in proto3 JSON. */
  readonly json: string;
  /** To be called when the answer has reached the connection. */
  delivered(): void;
}

/** proto3 JSON with unpopulated fields emitted: 64-bit integers are strings, bytes are base64 (CONTRACTS §4.2). */
function formatV2Entry(
  entry: CheckedEntry,
  keyId: Uint8Array,
  { index, head, proof }: Appended,
): string {
  return JSON.stringify({
    logIndex: index.toString(),
    logId: { keyId: toBase64(keyId) },
    kindVersion: { kind: entry.kind, version: entry.version },
    integratedTime: '0',
    inclusionPromise: null,
    inclusionProof: {
      logIndex: index.toString(),
      rootHash: toBase64(head.root),
      treeSize: head.size.toString(),
      hashes: proof.map(toBase64),
      checkpoint: { envelope: head.note },
    },
    canonicalizedBody: toBase64(entry.canonical),
  });
}

export class V2Shard {
  /** Host name, without port. */
  readonly host: string;
  readonly tree: Tree;
  readonly keyId: Uint8Array;
  readonly #checker: EntryChecker;
  readonly #counted: (kind: string) => void;

  constructor(
    host: string,
    tree: Tree,
    keyId: Uint8Array,
    checker: EntryChecker,
    counted: (kind: string) => void = () => undefined,
  ) {
    this.host = host;
    this.tree = tree;
    this.keyId = keyId;
    this.#checker = checker;
    this.#counted = counted;
  }

  /**
   * Appends what the body of a create request asks for.
   *
   * @param gone aborts when the client's connection closes before the answer is written
   * @throws {Fault} json/…, entry/…; log/duplicate with the `index` in its detail; tree/…
   */
  async append(body: Uint8Array, gone: AbortSignal): Promise<V2Answer> {
    // Said before the signatures are checked: a frozen shard costs nothing.
    if (this.tree.frozen) {
      throw new Fault('refused', 'tree/frozen', 'This log has been frozen, please switch to the latest log.');
    }
    const entry = await this.#checker.check('v2', body);
    const { undelivered } = this.tree;
    const note = (): void => undelivered.note(leafHash(entry.canonical));
    gone.addEventListener('abort', note, { once: true });
    if (gone.aborted) note();

    let appended: Appended;
    try {
      appended = await this.tree.append({
        body: entry.canonical,
        kind: `${entry.kind}/${entry.version}`,
        searchKeys: entry.searchKeys,
        ...(entry.attachment === undefined ? {} : { attachment: entry.attachment }),
      });
    } catch (error) {
      // It may be in the tree for all that: whoever is told to retry must not be told off for it.
      if (isFault(error) && error.kind === 'unavailable') note();
      throw error;
    }

    const again = appended.duplicate && (await undelivered.has(appended.leafHash));
    if (appended.duplicate && !again) {
      throw new Fault(
        'conflict',
        'log/duplicate',
        `an equivalent entry already exists in the transparency log with index ${appended.index}`,
        { detail: { index: appended.index.toString() } },
      );
    }
    if (!appended.duplicate) this.#counted(entry.kind);
    return {
      json: formatV2Entry(entry, this.keyId, appended),
      delivered: () => {
        if (again) undelivered.forget(appended.leafHash);
      },
    };
  }
}

/** All shards of the v2 face, by host name. */
export class V2Log {
  readonly #shards: ReadonlyMap<string, V2Shard>;

  constructor(shards: readonly V2Shard[]) {
    this.#shards = new Map(shards.map((shard) => [shard.host, shard]));
  }

  /** Oldest first. */
  get shards(): readonly V2Shard[] {
    return [...this.#shards.values()];
  }

  /** @throws {Fault} log/unknown-shard */
  shard(host: string): V2Shard {
    const shard = this.#shards.get(host.toLowerCase());
    if (shard === undefined) {
      throw new Fault('absent', 'log/unknown-shard', 'no log answers under this host name');
    }
    return shard;
  }
}
