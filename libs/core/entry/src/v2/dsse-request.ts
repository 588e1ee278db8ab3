/**
 * `DSSERequestV002`, which clients of before June 2026 and sigstore-js send.
 *
 * It is logged as hashedrekord/0.0.2 over the hash of the envelope's pre-authentication encoding: every
 * current verifier accepts that, and not every one accepts the dsse/0.0.2 that upstream has given up
 * (CONTRACTS §4.1). Such an entry has room for one signature, so an envelope with more is refused rather
 * than logged in part. A log for verifiers of before that time writes dsse/0.0.2 instead.
 */
import { digest, sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { canonicalJson, type JsonValue } from '#core/json';
import { toBase64 } from '#core/octets';
import { ENVELOPE_FACET, statementFacets } from '../facets.js';
import { pae } from '../pae.js';
import type { ProposedEntry } from '../proposed-entry.js';
import { malformed } from '../refuse.js';
import { digestKey, readStatement, statementKeys } from '../search-keys.js';
import { dsse002 } from './dsse-0.0.2.js';
import { hashedrekord002 } from './hashedrekord-0.0.2.js';
import { octetsOf, readMessage, required } from './message.js';
import { readVerifier } from './verifier.js';

function onlyOne(list: JsonValue | undefined, what: string): JsonValue {
  if (list !== undefined && !Array.isArray(list)) throw malformed(`${what} is not a list`);
  const [only, ...others] = (list ?? []) as readonly JsonValue[];
  if (only === undefined) throw malformed(`missing ${what}`);
  if (others.length > 0) {
    throw new Fault(
      'malformed',
      'entry/multiple-signatures',
      `send exactly one signature and one verifier: too many ${what}`,
    );
  }
  return only;
}

/** @param native whether to write dsse/0.0.2 */
export function readDsseRequest(value: JsonValue, native: boolean): ProposedEntry {
  const request = readMessage(value, ['envelope', 'verifiers']);
  const envelope = readMessage(required(request.envelope, 'envelope'), [
    'payload',
    'payloadType',
    'signatures',
  ]);
  const { sig, keyid } = readMessage(onlyOne(envelope.signatures, 'signatures'), ['sig', 'keyid']);
  const { payloadType = '' } = envelope;
  if (typeof payloadType !== 'string') throw malformed('invalid value for string field payloadType');
  const payload = octetsOf(envelope.payload, 'payload') ?? new Uint8Array();
  const verifier = readVerifier(onlyOne(request.verifiers, 'verifiers'));
  const signature = required(octetsOf(sig, 'sig'), 'envelope signature');
  const signed = pae(payloadType, payload);
  const statement = {
    payloadType,
    payload,
    envelope: canonicalJson({
      payload: toBase64(payload),
      payloadType,
      signatures: [
        { ...(typeof keyid === 'string' && keyid !== '' ? { keyid } : {}), sig: toBase64(signature) },
      ],
    }),
    pae: sha256(signed),
  };
  if (native) return dsse002(statement, signature, verifier);
  const about = readStatement(payloadType, payload);
  return hashedrekord002(digest(verifier.hash, signed), signature, verifier, {
    searchKeys: [digestKey('sha256', sha256(payload)), ...statementKeys(about)],
    facets: [ENVELOPE_FACET, ...statementFacets(about)],
    statement,
  });
}
