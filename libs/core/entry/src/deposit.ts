/**
 * DSSE envelopes that come after their entry.
 *
 * A log of v2 sees only the digest of what an envelope signs, so the envelope itself is handed in later, by anybody.
 * Nothing about it is believed: it is the logged one if what it signs has the logged digest and each of its signatures
 * is one that the log holds, and verifies with the logged key. Members that DSSE does not know are refused, since
 * nobody has signed them.
 */
import { digest, sha256, type HashName } from '#core/crypto';
import { Fault, isFault } from '#core/fault';
import { canonicalJson, isJsonObject, parseJson, type JsonObject, type JsonValue } from '#core/json';
import { equalOctets, toHex, toUtf8 } from '#core/octets';
import { assembleEnvelope, readEnvelope, type Envelope } from './envelope.js';
import { malformed } from './refuse.js';
import { digestKey, readStatement } from './search-keys.js';
import { verifyOverDigest, verifyOverMessage } from './signature.js';
import type { LeafFacts } from './leaf-facts.js';
import type { LeafSignature } from './proposed-entry.js';

const MAX_KEYID = 1024;
const MAX_SUBJECT_DIGESTS = 10_000;
/** An envelope is three values deep, a bundle a few more. */
const BODY_LIMITS = { maxDepth: 16, maxValues: 2000 };

export interface Deposit extends Envelope {
  /** As it is kept: the octets that came, or the envelope taken out of a bundle. */
  readonly envelope: Uint8Array;
}

function onlyMembers(object: JsonObject, names: readonly string[], what: string): void {
  const other = Object.keys(object).find((name) => !names.includes(name));
  if (other !== undefined)
    throw malformed(`${what} has a member that DSSE does not know: ${JSON.stringify(other.slice(0, 64))}`);
}

function signatureText(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) throw malformed('DSSE envelope has a malformed signature');
  onlyMembers(value, ['sig', 'keyid'], 'a signature');
  const { sig, keyid } = value;
  if (sig === undefined) throw malformed('DSSE envelope has a malformed signature');
  if (keyid !== undefined && keyid !== null && (typeof keyid !== 'string' || keyid.length > MAX_KEYID))
    throw malformed(`keyid is a text of at most ${MAX_KEYID} characters`);
  return sig;
}

function readMembers(value: JsonObject, envelope: Uint8Array): Deposit {
  onlyMembers(value, ['payload', 'payloadType', 'signatures'], 'the envelope');
  const { payload, payloadType, signatures } = value;
  if (typeof payload !== 'string' || typeof payloadType !== 'string' || !Array.isArray(signatures))
    throw malformed('invalid DSSE envelope: payload, payloadType and signatures are required');
  const texts = (signatures as readonly JsonValue[]).map(signatureText);
  return { ...assembleEnvelope(payloadType, payload, texts), envelope };
}

/**
 * Reads a DSSE envelope, or the one in a Sigstore bundle.
 *
 * @throws {Fault} json/malformed, entry/malformed, statement/too-many-subjects
 */
export function readDeposit(body: Uint8Array): Deposit {
  const value = parseJson(body, BODY_LIMITS);
  if (!isJsonObject(value)) throw malformed('neither a DSSE envelope nor a bundle: not a JSON object');
  const inBundle = value['dsseEnvelope'];
  if (inBundle !== undefined && !isJsonObject(inBundle)) throw malformed('the bundle holds no envelope');
  const deposit =
    inBundle === undefined ? readMembers(value, body) : readMembers(inBundle, canonicalJson(inBundle));
  const { subjects, materials } = readStatement(deposit.payloadType, deposit.payload);
  if (new Set([...subjects, ...materials]).size > MAX_SUBJECT_DIGESTS) {
    throw new Fault(
      'malformed',
      'statement/too-many-subjects',
      `split the statement: it names more than ${MAX_SUBJECT_DIGESTS} digests`,
    );
  }
  return deposit;
}

/** Reads an envelope that is kept; what clients logged may have members that DSSE does not know. */
export function readKept(envelope: Uint8Array): Deposit {
  return { ...readEnvelope(toUtf8(envelope)), envelope };
}

/** Rekor search keys of which every leaf made of this envelope has at least one. */
export function candidateKeys({ payload, signed }: Envelope): string[] {
  const hashes: readonly HashName[] = ['sha256', 'sha384', 'sha512'];
  return [
    ...hashes.map((hash) => digestKey(hash, digest(hash, signed))),
    digestKey('sha256', sha256(payload)),
  ];
}

/** The name of a statement: hex SHA-256 of its pre-authentication encoding. */
export function paeOf({ signed }: Envelope): string {
  return toHex(sha256(signed));
}

function verifies({ key, over, octets }: LeafSignature, { signed }: Envelope): boolean {
  try {
    if (over === 'message') verifyOverMessage(key, 'sha256', signed, octets);
    else verifyOverDigest(key, over.digestBy, digest(over.digestBy, signed), octets);
    return true;
  } catch (error) {
    if (isFault(error)) return false;
    throw error;
  }
}

/**
 * Which signatures of the envelope `leaf` vouches for, by their position; none if the leaf was not made of it.
 */
export function vouchedFor(deposit: Deposit, leaf: LeafFacts): ReadonlySet<number> {
  const none: ReadonlySet<number> = new Set();
  if (leaf.signatures.length === 0) {
    // intoto 0.0.1 holds no signature, but the hash of the envelope as it was sent.
    const whole = leaf.digests.includes(digestKey('sha256', sha256(deposit.envelope)));
    return whole ? new Set(deposit.signatures.keys()) : none;
  }
  const carried = leaf.envelope
    ? leaf.digests.includes(digestKey('sha256', sha256(deposit.payload)))
    : leaf.signatures.every(
        ({ over }) =>
          over !== 'message' &&
          leaf.digests.includes(digestKey(over.digestBy, digest(over.digestBy, deposit.signed))),
      );
  if (!carried) return none;
  const vouched = new Set<number>();
  for (const logged of leaf.signatures) {
    const places = deposit.signatures.flatMap(({ octets }, at) =>
      equalOctets(octets, logged.octets) ? [at] : [],
    );
    if (places.length === 0 || !verifies(logged, deposit)) return none;
    for (const at of places) vouched.add(at);
  }
  return vouched;
}
