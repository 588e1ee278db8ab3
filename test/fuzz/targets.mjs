/**
 * What is fed, from where it starts, and what must hold of what comes back.
 *
 * A target is `{ id, form, seeds, run }`: `form` says how seeds are changed, `takes` (if not what the form is)
 * in which shape the reader gets it, and `run(read, input)` calls it and holds the answer to its properties. Without
 * `run` the reader is called with the input alone. Whatever is thrown must be a Fault.
 */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const built = resolve(import.meta.dirname, '../../dist');
const { Fault } = await import(pathToFileURL(join(built, 'libs/core/fault/src/index.js')).href);

/** A property that does not hold. */
export class Broken extends Error {}

/** @param {boolean} condition @param {string} what must be so */
export function holds(condition, what) {
  if (!condition) throw new Broken(what);
}

export function same(one, other, what) {
  holds(Buffer.compare(Buffer.from(one), Buffer.from(other)) === 0, what);
}

export const isExpected = (error) => error instanceof Fault;

/** The compiled module of a source file. */
export const fromBuild = (path) => import(pathToFileURL(join(built, path.replace(/\.ts$/, '.js'))).href);

const AREAS = [
  'octets-and-der',
  'text-formats',
  'x509',
  'json-and-entries',
  'trust-and-time',
  'files',
  'search',
  'doors',
  'command-line',
];

export async function everyTarget() {
  const lists = await Promise.all(AREAS.map((area) => import(`./targets/${area}.mjs`)));
  return lists.flatMap(({ targets }) => targets);
}

/** @param {readonly import('./discover.mjs').Found[]} found @returns {Promise<Map<string, any>>} */
export async function openTargets(found = JSON.parse(process.argv[3] ?? '[]')) {
  const open = new Map();
  for (const target of await everyTarget()) {
    const place = target.beyond ?? found.find(({ id }) => id === target.id);
    if (place === undefined) continue;
    const module = await fromBuild(place.file);
    const read = readerOf(module, place);
    open.set(target.id, {
      ...target,
      run:
        target.run === undefined
          ? (input) => read(target.takes === 'value' ? input.value : input)
          : (input) => target.run(read, target.takes === 'value' ? input.value : input),
    });
  }
  return open;
}

function readerOf(module, { name, way }) {
  const [owner, member] = name.split(/[.#]/);
  const exported = module[owner];
  if (exported === undefined) throw new Error(`${name} is not in the build`);
  switch (way) {
    case 'constructor':
    case 'method':
      return (...words) => new exported(...words);
    case 'static':
      return (...words) => exported[member](...words);
    case 'schema':
      return (value) => exported.safeParse(value);
    default:
      return exported;
  }
}
