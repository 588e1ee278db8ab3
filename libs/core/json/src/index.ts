/**
 * JSON as a log needs it: one text has one meaning, and one value has one canonical spelling.
 *
 * `parseJson` is strict RFC 8259 over bytes; `canonicalJson` is RFC 8785 (JCS), the spelling under which
 * entries are hashed; `olpcJson` is the older canonical form that TUF signs.
 */
export { parseJson, type JsonLimits } from './parse.js';
export { canonicalJson } from './canonical.js';
export { olpcJson } from './olpc.js';
export { isJsonObject, type JsonObject, type JsonValue } from './value.js';
