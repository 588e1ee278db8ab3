/** Published files against what was derived: the same octets, and where they differ, which ones. */
import { leafHash, HASH_SIZE } from '#core/merkle';
import { TILE_WIDTH, type TileLevel } from '#core/tile';
import { type Findings, hex } from './finding.js';
import type { TileFilesReader } from './read-tile-files.js';

/** Octets of the length before each entry of a bundle. */
const LENGTH_BYTES = 2;

/** @param file what is published, if anything is: whether it should be is for the caller to say */
export function compareTileFile(
  files: Pick<TileFilesReader, 'path'>,
  level: TileLevel,
  n: bigint,
  file: Buffer | undefined,
  expected: Buffer,
  findings: Findings,
): void {
  if (file === undefined || file.equals(expected)) return;
  const at = { level, tile: n.toString(), path: files.path(level, n) };
  if (file.length !== expected.length) {
    findings.add({
      what: 'file/differs',
      at,
      expected: `${expected.length} octets`,
      found: `${file.length} octets`,
    });
    return;
  }
  for (let entry = 0; entry < expected.length / HASH_SIZE; entry++) {
    const [from, to] = [entry * HASH_SIZE, (entry + 1) * HASH_SIZE];
    const [wanted, found] = [expected.subarray(from, to), file.subarray(from, to)];
    if (wanted.equals(found)) continue;
    findings.add({ what: 'file/differs', at: { ...at, entry }, expected: hex(wanted), found: hex(found) });
  }
}

/**
 * A bundle entry by entry. Where the row of a leaf is missing or wrong, its body is `undefined` here, and the entry
 * is judged by its hash: a good file may be what the leaf is restored from.
 */
export function compareBundle(
  files: TileFilesReader,
  n: bigint,
  file: Buffer | undefined,
  bodies: readonly (Buffer | undefined)[],
  hashes: Buffer,
  findings: Findings,
): void {
  if (file === undefined) return;
  const place = { level: 'entries', tile: n.toString(), path: files.path('entries', n) } as const;
  let at = 0;
  for (let entry = 0; entry < TILE_WIDTH; entry++) {
    const start = at + LENGTH_BYTES;
    const end = start <= file.length ? start + file.readUInt16BE(at) : Number.POSITIVE_INFINITY;
    if (end > file.length) {
      findings.add({
        what: 'file/differs',
        at: { ...place, entry },
        expected: `an entry at octet ${at}`,
        found: `${file.length} octets in all`,
      });
      return;
    }
    const body = bodies[entry];
    const same =
      body === undefined
        ? hashes.compare(
            leafHash(file.subarray(start, end)),
            0,
            HASH_SIZE,
            entry * HASH_SIZE,
            (entry + 1) * HASH_SIZE,
          ) === 0
        : file.compare(body, 0, body.length, start, end) === 0;
    if (!same) {
      findings.add({
        what: 'file/differs',
        at: { ...place, entry },
        expected: hex(hashes.subarray(entry * HASH_SIZE, (entry + 1) * HASH_SIZE)),
        found: hex(leafHash(file.subarray(start, end))),
      });
      // A wrong length would make every entry after it look wrong.
      if (body !== undefined && end - start !== body.length) return;
    }
    at = end;
  }
  if (at !== file.length) {
    findings.add({
      what: 'file/differs',
      at: place,
      expected: `${at} octets`,
      found: `${file.length} octets`,
    });
  }
}
