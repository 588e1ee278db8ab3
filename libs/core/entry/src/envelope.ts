/**
 * DSSE envelopes as clients send them.
 *
 * The payload may be in standard or URL-safe base64 (DSSE envelope, "Standard JSON envelope"). A signature
 * must be in standard base64, because its text goes into the leaf as it is.
 */
import { isJsonObject, parseJson, type JsonValue } from '#core/json';
import { fromUtf8 } from '#core/octets';
import { anyBase64 } from './base64.js';
import { pae } from './pae.js';
import { malformed } from './refuse.js';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;
/** Signatures times verifiers is what checking one request may cost. */
const MAX_SIGNATURES = 10;

export interface EnvelopeSignature {
  /** Base64 as sent. */
  readonly text: string;
  readonly octets: Uint8Array;
}

export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
  /** What the signatures are over. */
  readonly signed: Uint8Array;
}

export function readSignatureText(text: JsonValue | undefined): EnvelopeSignature {
  if (typeof text !== 'string' || !BASE64.test(text))
    throw malformed('DSSE signature is not standard base64');
  return { text, octets: anyBase64(text, 'signature') };
}

export function assembleEnvelope(
  payloadType: string,
  payloadText: string,
  texts: readonly JsonValue[],
): Envelope {
  if (texts.length === 0) throw malformed('DSSE envelope must contain 1 or more signatures');
  if (texts.length > MAX_SIGNATURES)
    throw malformed(`too many signatures: ${texts.length}, max allowed: ${MAX_SIGNATURES}`);
  const payload = anyBase64(payloadText, 'payload');
  return {
    payloadType,
    payload,
    signatures: texts.map(readSignatureText),
    signed: pae(payloadType, payload),
  };
}

/** @throws {Fault} json/malformed, entry/malformed */
export function readEnvelope(text: string): Envelope {
  const envelope = parseJson(fromUtf8(text));
  if (!isJsonObject(envelope)) throw malformed('the DSSE envelope is not a JSON object');
  const { payload, payloadType, signatures } = envelope;
  if (typeof payload !== 'string' || typeof payloadType !== 'string' || !Array.isArray(signatures)) {
    throw malformed('invalid DSSE envelope: payload, payloadType and signatures are required');
  }
  const texts = (signatures as readonly JsonValue[]).map((one) => {
    const sig = isJsonObject(one) ? one['sig'] : undefined;
    if (sig === undefined) throw malformed('DSSE envelope has a malformed signature');
    return sig;
  });
  return assembleEnvelope(payloadType, payload, texts);
}
