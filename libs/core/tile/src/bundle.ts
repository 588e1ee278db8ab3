/**
 * Entry bundles (C2SP tlog-tiles, "Log Entries"): the entries under a level 0 tile, each after its length as
 * a 16-bit big-endian integer. Those two octets are why no entry of a tiled log is longer than 65,535.
 */
import { Fault } from '#core/fault';
import { bigEndian, concat } from '#core/octets';
import { TILE_WIDTH } from './path.js';

export const MAX_ENTRY_BYTES = 0xffff;

/** @throws {Fault} tile/entry-too-large */
export function formatBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length > TILE_WIDTH) throw new RangeError(`a bundle holds at most ${TILE_WIDTH} entries`);
  return concat(
    ...entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES) {
        throw new Fault(
          'refused',
          'tile/entry-too-large',
          `an entry may have at most ${MAX_ENTRY_BYTES} octets`,
        );
      }
      return [bigEndian(entry.length, 2), entry];
    }),
  );
}

/**
 * The entries of a bundle, as views into `bytes`.
 *
 * @throws {Fault} tile/bundle if the lengths do not add up or there are more than 256 entries
 */
export function parseBundle(bytes: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + 2;
    const end = start + (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    if (end > bytes.length || entries.length === TILE_WIDTH) {
      throw new Fault('malformed', 'tile/bundle', 'not an entry bundle: lengths and octets do not agree');
    }
    entries.push(bytes.subarray(start, end));
    at = end;
  }
  return entries;
}
