/**
 * Members of a v1 `spec`. As upstream, members that are not named here are ignored, and one of the wrong
 * type counts as missing.
 */
import type { HashName } from '#core/crypto';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#core/json';
import { wrappedBase64 } from '../base64.js';
import { malformed } from '../refuse.js';

export function objectAt(object: JsonObject, name: string): JsonObject | undefined {
  const value = object[name];
  return isJsonObject(value) ? value : undefined;
}

/** The member as a string; an empty one counts as missing. */
export function textAt(object: JsonObject | undefined, name: string): string | undefined {
  const value = object?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function listAt(object: JsonObject | undefined, name: string): readonly JsonValue[] | undefined {
  const value = object?.[name];
  return Array.isArray(value) ? (value as readonly JsonValue[]) : undefined;
}

export function octetsAt(object: JsonObject | undefined, name: string, what: string): Uint8Array | undefined {
  const text = textAt(object, name);
  return text === undefined ? undefined : wrappedBase64(text, what);
}

export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw malformed(`missing ${what}`);
  return value;
}

const HEX_LENGTH: Readonly<Record<HashName, number>> = { sha256: 64, sha384: 96, sha512: 128 };

function isHashName(name: string): name is HashName {
  return Object.hasOwn(HEX_LENGTH, name);
}

export interface HashText {
  readonly algorithm: HashName;
  /** Lower-case hex of the right length: one digest has one spelling in the log. */
  readonly value: string;
}

/** Reads `{algorithm, value}`. */
export function hashAt(
  object: JsonObject | undefined,
  name: string,
  allowed: readonly HashName[],
): HashText | undefined {
  const hash = object === undefined ? undefined : objectAt(object, name);
  if (hash === undefined) return undefined;
  const algorithm = required(textAt(hash, 'algorithm'), 'hash algorithm');
  const value = required(textAt(hash, 'value'), 'hash value');
  if (!isHashName(algorithm) || !allowed.includes(algorithm)) {
    throw malformed(`hash algorithm should be one of ${allowed.join(', ')}`);
  }
  if (value.length !== HEX_LENGTH[algorithm] || !/^[0-9a-f]+$/.test(value))
    throw malformed('invalid value for hash');
  return { algorithm, value };
}

export function canonicalEntry(kind: string, apiVersion: string, spec: JsonObject): Uint8Array {
  return canonicalJson({ apiVersion, kind, spec });
}

/** A hash as it stands in a canonical entry. */
export function hashMember({ algorithm, value }: HashText): JsonObject {
  return { algorithm, value };
}
