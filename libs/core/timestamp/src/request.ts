/**
 * What a client asks a timestamp authority for: TimeStampReq (RFC 3161 §2.4.1), or the JSON form that
 * sigstore-js sends.
 *
 * The message imprint and the nonce go into the token as the bytes that the client wrote: whoever compares
 * them later must find what was sent, not what we would have written.
 */
import {
  contextConstructed,
  DerReader,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  oidContent,
  readSequence,
  sequence,
  TAG,
} from '#core/der';
import { HASH_LENGTH, type HashName } from '#core/crypto';
import { Fault } from '#core/fault';
import { parseJson } from '#core/json';
import { fromBase64, toUtf8 } from '#core/octets';

export interface TimestampRequest {
  /** MessageImprint, DER. */
  readonly imprint: Uint8Array;
  readonly hash: HashName;
  readonly hashedMessage: Uint8Array;
  /** Dotted OID, where the client insists on a policy. */
  readonly policy: string | undefined;
  /** The nonce as a complete INTEGER element. */
  readonly nonce: Uint8Array | undefined;
  /** Whether the token shall carry the authority's certificate. */
  readonly certificates: boolean;
  /** Whether the client asked for extensions; we honour none. */
  readonly extensions: boolean;
}

const HASHES: Readonly<Record<string, HashName>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
export const HASH_OID: Readonly<Record<HashName, string>> = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
const MAX_NONCE_OCTETS = 512;
const SHA1_OID = '1.3.14.3.2.26';

function malformed(message: string, cause?: unknown): Fault {
  return new Fault('malformed', 'timestamp/malformed', message, { cause });
}

const weakHash = (): Fault =>
  new Fault(
    'refused',
    'timestamp/weak-hash',
    'SHA-1 is too weak for a timestamp: use SHA-256, SHA-384 or SHA-512',
  );

const unknownHash = (): Fault =>
  new Fault('refused', 'timestamp/unknown-hash', 'use SHA-256, SHA-384 or SHA-512 for the message imprint');

/**
 * Reads a DER TimeStampReq.
 *
 * @throws {Fault} timestamp/malformed, timestamp/weak-hash, timestamp/unknown-hash, timestamp/digest-length
 */
export function parseTimestampRequest(der: Uint8Array): TimestampRequest {
  try {
    return readSequence(der, readRequest);
  } catch (cause) {
    if (cause instanceof Fault && cause.code.startsWith('der/'))
      throw malformed('the timestamp request is not DER', cause);
    throw cause;
  }
}

function readRequest(members: DerReader): TimestampRequest {
  if (members.smallInteger() !== 1) throw malformed('a timestamp request has version 1');
  const imprint = members.expect(TAG.SEQUENCE).encoding;
  const { hash, hashedMessage } = readImprint(imprint);
  const policy = members.optional(TAG.OID, (reader) => reader.oid());
  const nonce = members.optional(TAG.INTEGER, (reader) => {
    const { content, encoding } = reader.expect(TAG.INTEGER);
    new DerReader(encoding).integerOctets();
    // It is copied into the token, and a token must fit into a leaf of the log of tokens.
    if (content.length > MAX_NONCE_OCTETS) throw malformed(`a nonce has at most ${MAX_NONCE_OCTETS} octets`);
    return encoding;
  });
  // An explicit FALSE is not DER; it is accepted because it cannot mean anything else.
  const certificates = members.optional(TAG.BOOLEAN, (reader) => reader.boolean()) ?? false;
  const extensions = members.optional(contextConstructed(0), (reader) => reader.element()) !== undefined;
  return { imprint, hash, hashedMessage, policy, nonce, certificates, extensions };
}

function readImprint(imprint: Uint8Array): { hash: HashName; hashedMessage: Uint8Array } {
  return readSequence(imprint, (members) => {
    const algorithm = members.sequence();
    const oid = algorithm.oid();
    if (!algorithm.atEnd) algorithm.nullValue();
    algorithm.finish();
    const hashedMessage = members.octets();
    if (oid === SHA1_OID) throw weakHash();
    const hash = HASHES[oid];
    if (hash === undefined) throw unknownHash();
    return { hash, hashedMessage: ofLength(hash, hashedMessage) };
  });
}

function ofLength(hash: HashName, hashedMessage: Uint8Array): Uint8Array {
  if (hashedMessage.length !== HASH_LENGTH[hash]) {
    throw new Fault(
      'malformed',
      'timestamp/digest-length',
      `a ${hash} digest has ${HASH_LENGTH[hash]} octets`,
    );
  }
  return hashedMessage;
}

/** The JSON form is small; a nonce of unlimited digits would cost quadratic time to read. */
const MAX_JSON_OCTETS = 1024;

/**
 * Reads the JSON form: `artifactHash` (base64), `hashAlgorithm`, `certificates`, `nonce` (an integer of any
 * size), `tsaPolicyOID`. Unknown members are ignored, as upstream does.
 *
 * @throws {Fault} timestamp/too-large beyond 1024 octets; else as parseTimestampRequest
 */
export function parseJsonTimestampRequest(bytes: Uint8Array): TimestampRequest {
  if (bytes.length > MAX_JSON_OCTETS) {
    throw new Fault(
      'refused',
      'timestamp/too-large',
      `a JSON timestamp request has at most ${MAX_JSON_OCTETS} octets`,
    );
  }
  const members = readJson(bytes);
  const name = text(members, 'hashAlgorithm').toLowerCase();
  if (name === 'sha1') throw weakHash();
  if (!isHashName(name)) throw unknownHash();
  let hashedMessage: Uint8Array;
  try {
    hashedMessage = fromBase64(text(members, 'artifactHash'));
  } catch (cause) {
    throw malformed('artifactHash is not base64', cause);
  }
  return {
    imprint: sequence(
      sequence(objectIdentifier(HASH_OID[name]), nullValue()),
      octetString(ofLength(name, hashedMessage)),
    ),
    hash: name,
    hashedMessage,
    policy: policyOf(members),
    nonce: nonceOf(members),
    certificates: flag(members, 'certificates'),
    extensions: false,
  };
}

function isHashName(name: string): name is HashName {
  return Object.hasOwn(HASH_OID, name);
}

type Members = ReadonlyMap<string, unknown>;

function readJson(bytes: Uint8Array): Members {
  let parsed: unknown;
  try {
    // A name that comes twice, or nesting without end, is refused as on every other door.
    parseJson(bytes);
    // The third parameter gives a number's own digits, so that a nonce above 2^53 is echoed exactly.
    parsed = JSON.parse(toUtf8(bytes), (_key, value: unknown, context?: { readonly source?: string }) =>
      typeof value === 'number' && /^-?\d+$/.test(context?.source ?? '')
        ? BigInt(context?.source ?? '')
        : value,
    );
  } catch (cause) {
    throw malformed('the timestamp request is not JSON', cause);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw malformed('the timestamp request is not a JSON object');
  }
  return new Map(Object.entries(parsed));
}

function text(members: Members, name: string): string {
  const value = members.get(name) ?? '';
  if (typeof value !== 'string') throw malformed(`${name} is not a text`);
  return value;
}

function flag(members: Members, name: string): boolean {
  const value = members.get(name) ?? false;
  if (typeof value !== 'boolean') throw malformed(`${name} is neither true nor false`);
  return value;
}

function nonceOf(members: Members): Uint8Array | undefined {
  const value = members.get('nonce') ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'bigint') throw malformed('nonce is not an integer');
  return integer(value);
}

function policyOf(members: Members): string | undefined {
  const dotted = text(members, 'tsaPolicyOID');
  if (dotted === '') return undefined;
  try {
    oidContent(dotted);
  } catch (cause) {
    throw malformed('tsaPolicyOID is not an object identifier', cause);
  }
  return dotted;
}

/**
 * Holds a request against what this authority offers: the policies it may sign under, and no extensions.
 * Answers the policy that the token will name.
 *
 * @throws {Fault} timestamp/policy, timestamp/extension
 */
export function admitTimestampRequest(
  request: TimestampRequest,
  accepted: readonly [string, ...string[]],
): string {
  if (request.extensions) {
    throw new Fault(
      'refused',
      'timestamp/extension',
      'leave out the extensions: this authority honours none',
    );
  }
  if (request.policy === undefined) return accepted[0];
  if (!accepted.includes(request.policy)) {
    throw new Fault(
      'refused',
      'timestamp/policy',
      `this authority signs under the policy ${accepted.join(' or ')}`,
    );
  }
  return request.policy;
}
