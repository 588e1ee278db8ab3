/**
 * Under which keys an entry is found (CONTRACTS §3.8).
 *
 * Digests are `sha256:<hex>`; a key or certificate is the bare hex SHA-256 of its canonical PEM. Upstream
 * files the certificates of dsse and intoto entries only under `sha256:<hex>`, where its own search by public
 * key does not look; we file them under both.
 */
import { sha256 } from '#core/crypto';
import { Fault, isFault } from '#core/fault';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '#core/json';
import { fromUtf8, toHex } from '#core/octets';

const IN_TOTO_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** A name longer than this cannot be asked for (openapi.yaml, `subject`). */
const MAX_KEY_LENGTH = 512;
const MAX_KEYS = 10_000;
/** A statement about a large image or inventory is long; read in a worker thread, this many take about a second. */
const MAX_STATEMENT_VALUES = 1_000_000;

export function pemKey(canonicalPem: string): string {
  return toHex(sha256(fromUtf8(canonicalPem)));
}

export function digestKey(algorithm: string, digest: Uint8Array): string {
  return `${algorithm}:${toHex(digest)}`;
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) ? value[name] : undefined;
}

function digestsIn(list: JsonValue | undefined): string[] {
  if (!Array.isArray(list)) return [];
  return (list as readonly JsonValue[]).flatMap((item) => {
    const digests = member(item, 'digest');
    if (!isJsonObject(digests)) return [];
    return Object.entries(digests as JsonObject).flatMap(([algorithm, value]) =>
      typeof value === 'string' ? [`${algorithm}:${value}`] : [],
    );
  });
}

/** What an in-toto statement says of itself. */
export interface StatementFacts {
  /** `<algorithm>:<value>` of every subject, as written. */
  readonly subjects: readonly string[];
  readonly materials: readonly string[];
  readonly predicateType: string | undefined;
}

const NO_STATEMENT: StatementFacts = { subjects: [], materials: [], predicateType: undefined };

/** Reads an in-toto statement; nothing if `payload` is not one. */
export function readStatement(payloadType: string, payload: Uint8Array): StatementFacts {
  if (payloadType !== IN_TOTO_PAYLOAD_TYPE) return NO_STATEMENT;
  try {
    const statement = parseJson(payload, { maxValues: MAX_STATEMENT_VALUES });
    const predicateType = member(statement, 'predicateType');
    return {
      subjects: digestsIn(member(statement, 'subject')),
      materials: digestsIn(member(member(statement, 'predicate'), 'materials')),
      predicateType: typeof predicateType === 'string' && predicateType !== '' ? predicateType : undefined,
    };
  } catch (error) {
    // A payload that claims to be a statement and is not may be logged; it just has no subjects.
    if (isFault(error)) return NO_STATEMENT;
    throw error;
  }
}

/** Digests of the subjects and materials of an in-toto statement. */
export function statementKeys({ subjects, materials }: StatementFacts): string[] {
  return [...subjects, ...materials];
}

/**
 * Lower case, each once, without what nobody could ask for.
 *
 * @throws {Fault} entry/too-many-keys, since to leave some out in silence would make every search a lie
 */
export function searchKeysOf(...keys: readonly string[]): string[] {
  const distinct = new Set(keys.map((key) => key.toLowerCase()));
  if (distinct.size > MAX_KEYS) {
    throw new Fault(
      'malformed',
      'entry/too-many-keys',
      `split the statement: it names more than ${MAX_KEYS} digests`,
    );
  }
  return askable(distinct);
}

/** As `searchKeysOf`, for entries that are in the log already: whatever is there is derived again. */
export function derivedKeysOf(...keys: readonly string[]): string[] {
  return askable(new Set(keys.map((key) => key.toLowerCase())));
}

function askable(keys: ReadonlySet<string>): string[] {
  return [...keys].filter((key) => key !== '' && key.length <= MAX_KEY_LENGTH);
}
