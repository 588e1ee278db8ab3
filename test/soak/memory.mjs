/**
 * Whether memory is flat.
 *
 * A process that has just started grows for a while: code is compiled, pools and caches fill. So a judgement needs one
 * long life, begins after a warm-up, and compares its last third with its first by their medians, which a single
 * garbage collection does not move. A slope alone would be noise: it is told, and decides nothing.
 */
import { readFileSync } from 'node:fs';
import { median } from '../load/drive.mjs';

const WARM_UP_MS = 120_000;
/** Shorter lives are told and not judged. */
const SHORTEST_MS = 5 * 60_000;
/** What the last third may have more than the first: either is enough. */
const MOST_SHARE = 0.12;
const MOST_BYTES = 24 * 2 ** 20;

/** @typedef {{ atMs: number, bytes: number }} Sample */

export class Memory {
  /** By name and process id. @type {Map<string, Sample[]>} */
  #lives = new Map();

  /** Own pages whole, shared pages by share (PSS). @param {string} name @param {readonly number[]} pids */
  sample(name, pids) {
    for (const pid of pids) {
      const kibibytes = /^Pss: +(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
      if (kibibytes === undefined) continue;
      const life = `${name} ${pid}`;
      const samples = this.#lives.get(life) ?? [];
      this.#lives.set(life, samples);
      samples.push({ atMs: Date.now(), bytes: Number(kibibytes) * 1024 });
    }
  }

  /** The longest life of each name. @param {readonly string[]} names @returns {{ name: string, minutes: number, text: string, flat: boolean | undefined }[]} */
  judge(names) {
    return names.map((name) => {
      const lives = [...this.#lives]
        .filter(([life]) => life.startsWith(`${name} `))
        .map(([, samples]) => samples);
      const [longest = []] = lives.sort((a, b) => lengthOf(b) - lengthOf(a));
      const minutes = lengthOf(longest) / 60_000;
      const warm = longest.filter(({ atMs }) => atMs - (longest[0]?.atMs ?? 0) >= WARM_UP_MS);
      const most = Math.max(0, ...longest.map(({ bytes }) => bytes));
      if (lengthOf(warm) < SHORTEST_MS) {
        return {
          name,
          minutes,
          flat: undefined,
          text: `${mebibytes(most)} at most in ${minutes.toFixed(1)} minutes, too short a life to judge`,
        };
      }
      const third = Math.floor(warm.length / 3);
      const [first, last] = [warm.slice(0, third), warm.slice(-third)].map((part) =>
        median(part.map(({ bytes }) => bytes)),
      );
      const grown = (last ?? 0) - (first ?? 0);
      const flat = grown <= MOST_BYTES || grown <= (first ?? 0) * MOST_SHARE;
      const text =
        `${mebibytes(first ?? 0)} in the first third after the warm-up, ${mebibytes(last ?? 0)} in the last, ` +
        `${mebibytes(most)} at most; ${mebibytes(slope(warm) * 3_600_000)} per hour over ${minutes.toFixed(1)} minutes`;
      return { name, minutes, flat, text };
    });
  }
}

/** @param {readonly Sample[]} samples */
function lengthOf(samples) {
  return (samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0);
}

/** Octets per millisecond, least squares. @param {readonly Sample[]} samples */
function slope(samples) {
  const mean = (/** @type {number[]} */ values) =>
    values.reduce((all, value) => all + value, 0) / values.length;
  const [at, size] = [mean(samples.map(({ atMs }) => atMs)), mean(samples.map(({ bytes }) => bytes))];
  const [upper, lower] = samples.reduce(
    ([a = 0, b = 0], { atMs, bytes }) => [a + (atMs - at) * (bytes - size), b + (atMs - at) ** 2],
    [0, 0],
  );
  return lower === 0 ? 0 : (upper ?? 0) / (lower ?? 1);
}

/** @param {number} bytes */
function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended since.
    return '';
  }
}
