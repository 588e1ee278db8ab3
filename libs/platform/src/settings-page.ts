/**
 * `docs/settings.md`, written from the schema and the three answers beside each key.
 *
 * The page is generated so that it cannot disagree with what the appliance accepts.
 */
import { z } from 'zod';
import { settingDocs } from './settings-docs.js';
import { Settings } from './settings.js';

interface Key {
  readonly path: string;
  readonly schema: z.ZodType;
  readonly type: string;
  readonly need: string;
}

const HEAD = `# Settings

*Generated from the schema; do not edit. The appliance reads one file, \`--settings PATH\`, and refuses keys
that are not listed here. \`--check\` prints what it understood. Secrets are references: a file that only its
owner may open, or a PKCS#11 URI. Paths are absolute.*
`;

/** The whole page. */
export function formatSettingsPage(): string {
  const sections = keysOf('', Settings).map(({ path, schema, type, need }) => {
    const doc = settingDocs.get(schema);
    if (doc === undefined) throw new Error(`the setting ${path} is not documented`);
    const depth = '#'.repeat(path.includes('.') ? 3 : 2);
    return [
      `${depth} \`${path}\``,
      '',
      `${doc.what}`,
      '',
      `- *Value:* ${type}${need}`,
      `- *Change it:* ${doc.change}`,
      `- *Who controls it:* ${doc.attacker}`,
    ].join('\n');
  });
  return `${HEAD}\n${sections.join('\n\n')}\n`;
}

/** Every key below `schema`, in the order of the schema; keys of alternatives once each. */
function keysOf(prefix: string, schema: z.ZodType): Key[] {
  const { inner } = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, value]) => {
      const path = prefix === '' ? name : `${prefix}.${name}`;
      const { inner: bare, need } = unwrap(value);
      return [{ path, schema: documented(value), type: typeOf(bare), need }, ...keysOf(path, bare)];
    });
  }
  if (inner instanceof z.ZodArray) return keysOf(`${prefix}[]`, inner.element as z.ZodType);
  if (inner instanceof z.ZodUnion) {
    const seen = new Set<string>();
    return inner.options
      .flatMap((option) => keysOf(prefix, option as z.ZodType))
      .filter(({ path }) => !seen.has(path) && seen.add(path));
  }
  return [];
}

/** The layer of `schema` that carries the answers: wrappers such as optional() stand around it. */
function documented(schema: z.ZodType): z.ZodType {
  let layer = schema;
  for (;;) {
    if (settingDocs.has(layer)) return layer;
    if (!(layer instanceof z.ZodOptional || layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault))
      return layer;
    layer = layer.unwrap() as z.ZodType;
  }
}

function unwrap(schema: z.ZodType): { inner: z.ZodType; need: string } {
  let inner = schema;
  let need = ', required';
  for (;;) {
    if (inner instanceof z.ZodOptional) need = ', optional';
    else if (inner instanceof z.ZodDefault) need = `, default \`${JSON.stringify(inner.def.defaultValue)}\``;
    else if (inner instanceof z.ZodPrefault) need = ', optional';
    else return { inner, need };
    inner = inner.unwrap() as z.ZodType;
  }
}

function typeOf(schema: z.ZodType): string {
  if (schema instanceof z.ZodEnum)
    return schema.options.map((option) => `\`${String(option)}\``).join(' or ');
  if (schema instanceof z.ZodBoolean) return '`true` or `false`';
  if (schema instanceof z.ZodNumber)
    return `whole number from ${schema.minValue ?? 0} to ${schema.maxValue ?? '∞'}`;
  if (schema instanceof z.ZodArray) return 'list';
  if (schema instanceof z.ZodRecord) return 'map of names to texts';
  if (schema instanceof z.ZodObject || schema instanceof z.ZodUnion) return 'section';
  return 'text';
}
