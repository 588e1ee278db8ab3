/**
 * Messages in protobuf's JSON mapping, as strictly as Rekor v2 reads them: a member has its lowerCamelCase or
 * its proto name and not both, `null` is the same as absent, and a member that the message does not have is
 * refused (CONTRACTS §4.2).
 */
import { isJsonObject, type JsonValue } from '#core/json';
import { anyBase64 } from '../base64.js';
import { malformed } from '../refuse.js';

export type Message<Field extends string> = Readonly<Partial<Record<Field, JsonValue>>>;

function protoName(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function readMessage<Field extends string>(
  value: JsonValue,
  fields: readonly Field[],
): Message<Field> {
  if (!isJsonObject(value)) throw malformed('unexpected token, expected an object');
  const message: Partial<Record<Field, JsonValue>> = {};
  for (const [name, content] of Object.entries(value)) {
    const field = fields.find((one) => one === name || protoName(one) === name);
    if (field === undefined) throw malformed(`unknown field ${JSON.stringify(name.slice(0, 64))}`);
    if (message[field] !== undefined) throw malformed(`duplicate field ${JSON.stringify(field)}`);
    if (content !== null) message[field] = content;
  }
  return message;
}

/** The octets of a member; undefined if it is absent or empty, which protobuf cannot tell apart. */
export function octetsOf(value: JsonValue | undefined, what: string): Uint8Array | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw malformed(`invalid value for bytes field ${what}`);
  return value === '' ? undefined : anyBase64(value, what);
}

export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw malformed(`missing ${what}`);
  return value;
}
