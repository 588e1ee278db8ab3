/**
 * JSON changed as JSON: members go, come twice, change type and name; numbers and texts take their edges. Numbers are
 * kept as their own digits, so that 2^53 + 1 arrives as it was meant.
 */
import { changeText, ODD_TEXTS } from './text.mjs';

const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1',
  '0.5',
  '1e400',
  '-1e400',
  '1e-400',
  '1E3',
  '2147483648',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551616',
  '123456789012345678901234567890',
  '1.0',
  '1.5e300',
  '0.1e1',
  '01',
  '.5',
  '+1',
  'NaN',
  'Infinity',
  '0x10',
  '1n',
  '-',
];
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'then',
  '',
  '0',
  'a',
  '\u0000',
  'É',
  'kind',
  'apiVersion',
  'toJSON',
  'valueOf',
];

/** A value is { raw } (a token as it stands), { text }, { list } or { members: [name, value][] }. */
function read(value) {
  if (typeof value === 'string') return { text: value };
  if (Array.isArray(value)) return { list: value.map(read) };
  if (typeof value === 'object' && value !== null)
    return { members: Object.entries(value).map(([name, inner]) => [name, read(inner)]) };
  return { raw: JSON.stringify(value) ?? 'null' };
}

/** @param {string} text @returns the tree, or `undefined` where it is no JSON */
function jsonTree(text) {
  try {
    return read(
      JSON.parse(text, (_name, value, context) =>
        typeof value === 'number' && context?.source !== undefined ? { 'raw number': context.source } : value,
      ),
    );
  } catch {
    return undefined;
  }
}

function isNumber(node) {
  return node.members?.length === 1 && node.members[0][0] === 'raw number';
}

function spelt(node, chance) {
  if (node.raw !== undefined) return node.raw;
  if (node.text !== undefined) return spellText(node.text, chance);
  if (isNumber(node)) return node.members[0][1].text;
  const space = chance.once(20) ? chance.of([' ', '\n', '\t', '\r\n', '\u00a0', '\ufeff', '/**/', '']) : '';
  if (node.list !== undefined)
    return `[${space}${node.list.map((inner) => spelt(inner, chance)).join(`,${space}`)}]`;
  return `{${node.members.map(([name, inner]) => `${space}${spellText(name, chance)}:${spelt(inner, chance)}`).join(',')}${space}}`;
}

function spellText(text, chance) {
  const plain = JSON.stringify(text);
  if (!chance.once(60)) return plain;
  const escaped = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `"${[...text].map((letter) => (letter.length === 1 ? escaped(letter) : letter)).join('')}"`;
}

function places(node, found, depth = 0) {
  if (isNumber(node) || depth > 60) return found;
  const children = node.list ?? node.members?.map(([, inner]) => inner) ?? [];
  children.forEach((child, at) => {
    found.push({ parent: node, at, child });
    places(child, found, depth + 1);
  });
  return found;
}

function put({ parent, at }, value) {
  if (parent.list !== undefined) parent.list[at] = value;
  else parent.members[at][1] = value;
}

function freshValue(chance) {
  return chance.of([
    () => ({ raw: 'null' }),
    () => ({ raw: 'true' }),
    () => ({ raw: 'false' }),
    () => ({ raw: chance.of(NUMBERS) }),
    () => ({ text: chance.of(ODD_TEXTS) }),
    () => ({ list: [] }),
    () => ({ members: [] }),
    () => ({ list: [{ raw: 'null' }] }),
    () => ({ members: [[chance.of(NAMES), { raw: chance.of(NUMBERS) }]] }),
    () => ({ text: '' }),
  ])();
}

function deep(chance) {
  const depth = chance.of([10, 60, 65, 500, 2000]);
  return chance.once(2)
    ? { raw: '['.repeat(depth) + ']'.repeat(chance.once(4) ? 0 : depth) }
    : { raw: '{"a":'.repeat(depth) + '0' + '}'.repeat(depth) };
}

const WAYS = [
  (place, chance) => put(place, freshValue(chance)),
  (place, chance) => put(place, freshValue(chance)),
  (place, chance) => put(place, { raw: chance.of(NUMBERS) }),
  (place, chance, others) =>
    place.child.text === undefined
      ? put(place, { text: chance.of(ODD_TEXTS) })
      : put(place, { text: changeText(place.child.text, chance, others) }),
  (place, chance, others) =>
    place.child.text === undefined
      ? put(place, { list: [place.child] })
      : put(place, { text: changeText(place.child.text, chance, others) }),
  ({ parent, at }) => (parent.list ?? parent.members).splice(at, 1),
  ({ parent, at }, chance) => {
    const list = parent.list ?? parent.members;
    for (let left = 1 + chance.length(300); left > 0; left--) list.splice(at, 0, list[at]);
  },
  ({ parent, at }, chance) => {
    if (parent.members !== undefined)
      parent.members[at][0] = chance.once(2) ? chance.of(NAMES) : chance.of(parent.members)[0];
  },
  ({ parent }, chance) => parent.members?.push([chance.of(NAMES), freshValue(chance)]),
  // A copy: the chosen one may stand around the place.
  (place, chance, _others, all) => put(place, structuredClone(chance.of(all).child)),
  (place, chance) =>
    put(place, chance.once(2) ? { list: [place.child] } : { members: [[chance.of(NAMES), place.child]] }),
  (place, chance) => put(place, chance.once(4) ? deep(chance) : freshValue(chance)),
];

/** One change; text that is no JSON, or nests deeper than this stack, is changed as text. */
export function changeJson(text, chance, others) {
  const tree = chance.once(6) ? undefined : jsonTree(text);
  const all = tree === undefined ? [] : places({ list: [tree] }, []);
  if (all.length === 0) return changeText(text, chance, others);
  const root = all[0].parent;
  try {
    chance.of(WAYS)(chance.of(all), chance, others, all);
    return root.list.map((node) => spelt(node, chance)).join('');
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return changeText(text, chance, others);
  }
}

/** A JSON value for readers that take one: what JSON.parse makes of a change, or the text itself. */
export function valueOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
