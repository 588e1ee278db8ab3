/** From a target, a seed and a number to the input of that number: always the same. */
import { Chance } from './chance.mjs';
import { changeDer } from './mutate/der.mjs';
import { changeJson, valueOf } from './mutate/json.mjs';
import { changeOctets } from './mutate/octets.mjs';
import { changeText } from './mutate/text.mjs';
import { changeYaml } from './mutate/yaml.mjs';

/** Longer inputs are cut: what doors let in is bounded too, and time should go into many inputs, not long ones. */
const LARGEST = 64 * 1024;

const octetForms = { octets: changeOctets, der: changeDer };
const textForms = { text: changeText, json: changeJson, yaml: changeYaml };

const isText = (form) => Object.hasOwn(textForms, form);

/** Seeds in the form in which they are changed: octets, or text. */
export function seedsOf(target) {
  return target.seeds.map((seed) =>
    isText(target.form)
      ? typeof seed === 'string'
        ? seed
        : Buffer.from(seed).toString('utf8')
      : typeof seed === 'string'
        ? new Uint8Array(Buffer.from(seed, 'utf8'))
        : seed,
  );
}

function changed(target, seeds, chance) {
  let input = chance.of(seeds);
  const change = textForms[target.form] ?? octetForms[target.form];
  for (let left = 1 + chance.below(chance.once(4) ? 8 : 2); left > 0; left--)
    input = change(input, chance, seeds).slice(0, LARGEST);
  if (!isText(target.form) || target.takes !== 'octets') return input;
  // A text that arrives as octets can be broken as octets.
  const octets = new Uint8Array(Buffer.from(input, 'utf8'));
  return chance.once(12) ? changeOctets(octets, chance, [octets]) : octets;
}

/** The seeds come first, as they are; then what chance makes of them. */
export function inputOf(target, seeds, seed, number) {
  if (number < seeds.length) {
    const plain = seeds[number];
    return adapted(
      target,
      isText(target.form) && target.takes === 'octets' ? new Uint8Array(Buffer.from(plain, 'utf8')) : plain,
    );
  }
  return adapted(target, changed(target, seeds, new Chance(`${seed}/${target.id}`, number)));
}

/** A target that takes a value gets what JSON.parse makes of the text; it is replayed as that text. */
function adapted(target, input) {
  return target.takes === 'value' ? { text: input, value: valueOf(input) } : input;
}

/** Octets in hex; text as the hex of its UTF-16 units where UTF-8 could not carry it. */
export function hexOf(input) {
  if (input instanceof Uint8Array) return { hex: Buffer.from(input).toString('hex') };
  const text = typeof input === 'string' ? input : input.text;
  const whole = text.isWellFormed();
  return {
    hex: whole
      ? Buffer.from(text, 'utf8').toString('hex')
      : `utf16:${Buffer.from(text, 'utf16le').toString('hex')}`,
  };
}

export function inputFromHex(target, hex) {
  const text = () =>
    hex.startsWith('utf16:')
      ? Buffer.from(hex.slice(6), 'hex').toString('utf16le')
      : Buffer.from(hex, 'hex').toString('utf8');
  if (target.takes === 'octets' || !isText(target.form)) return new Uint8Array(Buffer.from(hex, 'hex'));
  return adapted(target, text());
}
