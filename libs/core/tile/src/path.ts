/**
 * Where a tile stands under a log's base address (C2SP tlog-tiles, "Merkle Tree" and "Log Entries").
 *
 *     tile/<level>/<number>[.p/<width>]       hashes
 *     tile/entries/<number>[.p/<width>]       entry bundles
 *
 * The number is written in groups of three digits, all but the last with an `x` before them. A path has one
 * spelling only: caches and object stores know no other equality.
 */
import { Fault } from '#core/fault';

/** Levels of the tree that one tile spans. */
export const TILE_HEIGHT = 8;
/** Hashes or entries of a full tile. */
export const TILE_WIDTH = 256;

/** Level of a tile of hashes (0 to 63), or the bundles of entries under level 0. */
export type TileLevel = number | 'entries';

export interface TilePath {
  readonly level: TileLevel;
  readonly index: bigint;
  /** 1 to 256; 256 is the full tile. */
  readonly width: number;
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;
const MAX_LEVEL = 63;
/** Sizes are below 2^63 everywhere else too; a path beyond them names nothing. */
const MAX_SIZE = (1n << 63n) - 1n;

function malformed(): Fault {
  return new Fault(
    'malformed',
    'tile/path',
    'expected tile/<level>/<number>[.p/<width>] as in C2SP tlog-tiles',
  );
}

function isPlace(level: TileLevel, index: bigint, width: number): boolean {
  const height = level === 'entries' ? 0 : level;
  return (
    Number.isInteger(height) &&
    height >= 0 &&
    height <= MAX_LEVEL &&
    Number.isInteger(width) &&
    width >= 1 &&
    width <= TILE_WIDTH &&
    index >= 0n &&
    (index * BigInt(TILE_WIDTH)) << BigInt(TILE_HEIGHT * height) <= MAX_SIZE
  );
}

/**
 * Path of the tile at `level`, number `index`, that holds `width` hashes (or entries).
 *
 * @throws {RangeError} if there can be no such tile
 */
export function tilePath(level: TileLevel, index: bigint, width: number = TILE_WIDTH): string {
  if (!isPlace(level, index, width))
    throw new RangeError(`no tile ${index} of width ${width} at level ${level}`);
  const digits = index.toString();
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const number = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${number}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** The inverse of `tilePath`. @throws {Fault} tile/path unless `path` is spelt exactly as tilePath would */
export function parseTilePath(path: string): TilePath {
  const match = PATH.exec(path);
  if (match === null) throw malformed();
  const [, levelText = '', number = '', widthText] = match;
  const level = levelText === 'entries' ? levelText : Number(levelText);
  const digits = number.replaceAll(/[x/]/g, '');
  // A leading group of zeros would be a second spelling of the same number.
  if (digits.length > 3 && digits.startsWith('000')) throw malformed();
  const index = BigInt(digits);
  const width = widthText === undefined ? TILE_WIDTH : Number(widthText);
  if (!isPlace(level, index, width) || widthText === String(TILE_WIDTH)) throw malformed();
  return { level, index, width };
}
