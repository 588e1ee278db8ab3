/** Text changed as text: lines and words go and come twice, numbers take their edges, letters turn odd. */

/** What texts may hold that nobody thinks of. */
export const ODD_TEXTS = [
  '',
  ' ',
  '\0',
  '\n',
  '\r\n',
  '\t',
  '\u0085',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '\ud800',
  '\udfff',
  '\ud83d\ude00',
  'é',
  'e\u0301',
  'ﬀ',
  'İ',
  'ı',
  '\u202e',
  '\u200b',
  '\uffff',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'true',
  '-',
  '--',
  '.',
  '..',
  '../../etc/passwd',
  '%',
  '%00',
  '%2f',
  '%zz',
  '%e2%82',
  '%F0%9F',
  '/',
  '//',
  '\\',
  '?',
  '#',
  '@',
  ':',
  ';',
  '=',
  "'",
  '"',
  '`',
  '${1}',
  '{{.a}}',
  '{',
  '}',
  '[',
  ']',
  '(',
  '*',
  '+',
  '|',
  '&a',
  '*a',
  '!!binary ',
  '!!js/function ',
  '<<: *a',
  '---\n',
  '...\n',
  '? ',
  '- ',
  '~',
  '0',
  '-0',
  '00',
  '0x1',
  '1e3',
  '1_000',
  'https://',
  'https://a',
  'https://a:99999',
  'https://[::1',
  'http://a@b',
  'xn--a',
  '127.0.0.1',
  '::ffff:1.2.3.4',
  'A'.repeat(300),
  '🔥'.repeat(70),
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!',
  '2026-02-30T00:00:00Z',
  '9999-12-31T23:59:60Z',
  '+275761-01-01T00:00:00Z',
  'P1D',
  'PT0S',
  'P99999999999Y',
  '-----BEGIN CERTIFICATE-----',
  '-----END CERTIFICATE-----',
  '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n',
  '====',
  'AA==',
  'AB==',
  '-_',
  '\u2014 ',
  '\n\n',
];
const DIGITS = [
  '0',
  '00',
  '-1',
  '1',
  '255',
  '256',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551616',
  '9'.repeat(40),
  '1e9',
  '1.5',
  'NaN',
  '٣',
  '１',
];

function span(text, chance) {
  const from = chance.below(text.length + 1);
  return [from, Math.min(text.length, from + 1 + chance.length(text.length - from))];
}

function inLines(text, change) {
  const lines = text.split('\n');
  change(lines);
  return lines.join('\n');
}

const WAYS = [
  function letter(text, chance) {
    const at = chance.below(text.length);
    return (
      text.slice(0, at) +
      String.fromCharCode(text.charCodeAt(at) ^ (1 << chance.below(chance.once(6) ? 16 : 7))) +
      text.slice(at + 1)
    );
  },
  function another(text, chance) {
    const at = chance.below(text.length);
    return text.slice(0, at) + text[chance.below(text.length)] + text.slice(at + 1);
  },
  function odd(text, chance) {
    const [from, to] = chance.once(2) ? span(text, chance) : [chance.below(text.length + 1)];
    return text.slice(0, from) + chance.of(ODD_TEXTS) + text.slice(to ?? from);
  },
  function number(text, chance) {
    const found = [...text.slice(0, 20_000).matchAll(/\d+/g)];
    if (found.length === 0) return text + chance.of(DIGITS);
    const at = chance.of(found);
    return text.slice(0, at.index) + chance.of(DIGITS) + text.slice(at.index + at[0].length);
  },
  function cut(text, chance) {
    const [from, to] = span(text, chance);
    return text.slice(0, from) + text.slice(to);
  },
  function again(text, chance) {
    const [from, to] = span(text, chance);
    return (
      text.slice(0, to) +
      text.slice(from, to).repeat(1 + chance.length(to - from > 1000 ? 4 : 200)) +
      text.slice(to)
    );
  },
  function truncate(text, chance) {
    return text.slice(0, chance.below(text.length + 1));
  },
  function lineGone(text, chance) {
    return inLines(text, (lines) => lines.splice(chance.below(lines.length), 1 + chance.length(3)));
  },
  function lineTwice(text, chance) {
    return inLines(text, (lines) => {
      const at = chance.below(lines.length);
      for (let left = 1 + chance.length(120); left > 0; left--) lines.splice(at, 0, lines[at]);
    });
  },
  function linesSwapped(text, chance) {
    return inLines(text, (lines) => {
      const [one, two] = [chance.below(lines.length), chance.below(lines.length)];
      [lines[one], lines[two]] = [lines[two], lines[one]];
    });
  },
  function indent(text, chance) {
    return inLines(text, (lines) => {
      const at = chance.below(lines.length);
      lines[at] = chance.once(2) ? ` ${lines[at]}` : lines[at].replace(/^ /, '');
    });
  },
  function word(text, chance, others) {
    const words = [...text.slice(0, 20_000).matchAll(/[\w.-]+/g)];
    const source = [
      ...chance
        .of(others)
        .slice(0, 20_000)
        .matchAll(/[\w.-]+/g),
    ];
    if (words.length === 0 || source.length === 0) return text;
    const at = chance.of(words);
    return text.slice(0, at.index) + chance.of(source)[0] + text.slice(at.index + at[0].length);
  },
  function splice(text, chance, others) {
    const other = chance.of(others);
    return text.slice(0, chance.below(text.length + 1)) + other.slice(chance.below(other.length + 1));
  },
  function capitals(text, chance) {
    const [from, to] = span(text, chance);
    const part = text.slice(from, to);
    return (
      text.slice(0, from) +
      (part === part.toUpperCase() ? part.toLowerCase() : part.toUpperCase()) +
      text.slice(to)
    );
  },
];

/** One change, of any kind. */
export function changeText(text, chance, others) {
  return text.length === 0 ? chance.of(ODD_TEXTS) : chance.of(WAYS)(text, chance, others);
}
