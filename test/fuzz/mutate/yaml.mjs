/** YAML changed as text, or carried over to JSON (which is YAML too) and changed there; and its own traps. */
import { parse } from 'yaml';
import { changeJson } from './json.mjs';
import { changeText } from './text.mjs';

const TRAPS = [
  (text) =>
    `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d]\n${text}`,
  (text) => `%YAML 1.1\n---\n${text}`,
  (text) => `${text}\n---\n${text}`,
  (text) => `&all\n${text}\nself: *all\n`,
  (text) => text.replace(/: /, ': !!binary '),
  (text) => text.replace(/: /, ': &x '),
  (text) => `<<: {a: 1}\n${text}`,
  (text) => `? [a, b]\n: 1\n${text}`,
  (text) => text.replaceAll('\n', '\r\n'),
  (text) => text.replaceAll('  ', '\t'),
  (text) => `\ufeff${text}`,
  (text) => `${'['.repeat(3000)}\n${text}`,
  () => `${'- '.repeat(2000)}a\n`,
  (text) => `${text}\n"unterminated`,
  (text) => `${text}\nlong: |\n  a\n b\n`,
  (text) => text.replace(/^(\w+):/m, '!!set $1:'),
  (text) => text.replace(/(\w+)$/m, '!!timestamp $1'),
];

const carried = new Map();
function asJson(text) {
  if (!carried.has(text)) {
    if (carried.size > 64) carried.clear();
    try {
      carried.set(text, JSON.stringify(parse(text, { logLevel: 'silent' })) ?? text);
    } catch {
      carried.set(text, text);
    }
  }
  return carried.get(text);
}

/** One change, of any kind. */
export function changeYaml(text, chance, others) {
  if (chance.once(30)) return chance.of(TRAPS)(text);
  if (chance.once(2)) return changeText(text, chance, others);
  return changeJson(asJson(text), chance, others);
}
