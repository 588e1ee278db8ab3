/** What a check of a whole log can find, and how it names the place: exactly, so that somebody can go there. */
import { toHex } from '#core/octets';
import type { TileLevel } from '#core/tile';

/**
 * What contradicts what. Stable: rules in other people's systems hang on them.
 *
 * leaf/…        the rows of the leaves        tile/…   the rows of the tiles
 * file/…        what this host has published  head/…   the row of the head
 * checkpoint/…  signed and stored heads       claim/…  heads that are remembered elsewhere: journal, boundaries, files
 * key/…         deduplication                 search/… search keys      promise/… signed entry timestamps
 */
export type What =
  | 'leaf/missing'
  | 'leaf/body'
  | 'leaf/hash'
  | 'leaf/time'
  | 'leaf/extra'
  | 'tile/missing'
  | 'tile/width'
  | 'tile/hash'
  | 'tile/extra'
  | 'file/missing'
  | 'file/differs'
  | 'file/extra'
  | 'head/missing'
  | 'head/root'
  | 'checkpoint/signature'
  | 'checkpoint/root'
  | 'checkpoint/extra'
  | 'claim/root'
  | 'claim/signature'
  | 'claim/extra'
  | 'key/missing'
  | 'key/extra'
  | 'search/missing'
  | 'search/extra'
  | 'promise/signature'
  | 'promise/extra';

/** Where it is. Numbers of leaves, tiles and sizes are decimal text, as everywhere in JSON. */
export interface Position {
  /** Number of the leaf. */
  readonly index?: string;
  readonly level?: TileLevel;
  /** Number of the tile at its level. */
  readonly tile?: string;
  /** Number of the hash (or entry) in the tile. */
  readonly entry?: number;
  /** Size of the tree that a head is of. */
  readonly size?: string;
  /** Milliseconds, as stored beside a checkpoint. */
  readonly signedMs?: string;
  readonly column?: string;
  readonly key?: string;
  readonly path?: string;
  /** Who claims it: the journal, a boundary by its hour, the files of this host. */
  readonly by?: string;
}

export interface Finding {
  readonly what: What;
  readonly at: Position;
  readonly expected: string;
  readonly found: string;
}

/** `leaf/body: leaf 17, column body`: the whole place in one line, the same for the same fault for ever. */
export function formatPlace({ what, at }: Pick<Finding, 'what' | 'at'>): string {
  const words: string[] = [];
  if (at.index !== undefined) words.push(`leaf ${at.index}`);
  if (at.level !== undefined) words.push(`tile ${at.level}/${at.tile ?? '?'}`);
  if (at.entry !== undefined) words.push(`number ${at.entry}`);
  if (at.size !== undefined) words.push(`size ${at.size}`);
  if (at.signedMs !== undefined) words.push(`signed ${at.signedMs}`);
  if (at.column !== undefined) words.push(`column ${at.column}`);
  if (at.key !== undefined) words.push(`key ${at.key}`);
  if (at.by !== undefined) words.push(at.by);
  if (at.path !== undefined) words.push(at.path);
  return `${what}: ${words.join(', ')}`;
}

/** For `expected` and `found`. */
export function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'nothing' : toHex(bytes);
}

/** A log that is wrong everywhere is described well enough by so many places of each kind. */
const MOST_OF_A_KIND = 200;

/** What was found, as plain values: for another thread, a file, a report. */
export interface Found {
  readonly kept: readonly Finding[];
  readonly counts: Readonly<Record<string, number>>;
}

/** Gathers what was found; counts all of it and keeps the first of each kind. */
export class Findings {
  readonly #kept: Finding[] = [];
  readonly #counts = new Map<string, number>();
  readonly #places = new Set<string>();

  add(finding: Finding): void {
    const place = formatPlace(finding);
    if (this.#places.has(place)) return;
    const count = (this.#counts.get(finding.what) ?? 0) + 1;
    this.#counts.set(finding.what, count);
    if (count > MOST_OF_A_KIND) return;
    this.#places.add(place);
    this.#kept.push(finding);
  }

  /** Takes over what somebody else has gathered. */
  take({ kept, counts }: Found): void {
    for (const finding of kept) this.add(finding);
    for (const [what, count] of Object.entries(counts)) {
      const unseen = count - kept.filter((finding) => finding.what === what).length;
      if (unseen > 0) this.#counts.set(what, (this.#counts.get(what) ?? 0) + unseen);
    }
  }

  /** In the order in which they were found, at most some hundreds of each kind. */
  get kept(): readonly Finding[] {
    return this.#kept;
  }

  get found(): Found {
    return { kept: [...this.#kept], counts: Object.fromEntries(this.#counts) };
  }

  /** How many there are, those that were not kept included. */
  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }
}
