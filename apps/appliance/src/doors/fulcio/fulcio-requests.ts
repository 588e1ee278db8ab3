/**
 * Signing requests as clients write them in JSON (CONTRACTS §1.2, §1.3), with the freedoms that protobuf's JSON
 * mapping gives: either spelling of a member's name, either base64 alphabet, padding or none, null for absent.
 * Members that we do not know are ignored, and so is the value of `algorithm`: a key says itself what it is.
 */
import { Fault } from '#core/fault';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '#core/json';
import { fromBase64, fromUtf8 } from '#core/octets';
import type { KeyClaim, SigningRequest } from '#ca';

function malformed(why: string, cause?: unknown): Fault {
  return new Fault('malformed', 'fulcio/malformed', why, { cause });
}

function member(object: JsonObject, camel: string, snake: string): JsonValue | undefined {
  const value = object[camel] ?? object[snake];
  return value === null ? undefined : value;
}

function objectMember(object: JsonObject, camel: string, snake: string): JsonObject {
  const value = member(object, camel, snake) ?? {};
  if (!isJsonObject(value)) throw malformed(`${camel} must be an object`);
  return value;
}

function textMember(object: JsonObject, camel: string, snake: string): string {
  const value = member(object, camel, snake) ?? '';
  if (typeof value !== 'string') throw malformed(`${camel} must be a string`);
  return value;
}

function bytesMember(object: JsonObject, camel: string, snake: string): Uint8Array {
  const text = textMember(object, camel, snake).replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  try {
    return fromBase64(text + '='.repeat((4 - (text.length % 4)) % 4));
  } catch (cause) {
    throw malformed(`${camel} must be base64`, cause);
  }
}

function body(bytes: unknown): JsonObject {
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) throw malformed('the request has no body');
  const value = parseJson(bytes);
  if (!isJsonObject(value)) throw malformed('the request body must be a JSON object');
  return value;
}

/** The token of an `Authorization: Bearer` header; empty when there is none. */
export function bearerToken(header: string | undefined): string {
  return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '';
}

/** @throws {Fault} fulcio/malformed, json/malformed */
export function readV2Request(bytes: unknown, authorization: string | undefined): SigningRequest {
  const request = body(bytes);
  const credentials = objectMember(request, 'credentials', 'credentials');
  const token =
    textMember(credentials, 'oidcIdentityToken', 'oidc_identity_token') || bearerToken(authorization);
  const csr = bytesMember(request, 'certificateSigningRequest', 'certificate_signing_request');
  if (csr.length > 0) return { token, key: { kind: 'csr', content: csr } };
  const keyRequest = objectMember(request, 'publicKeyRequest', 'public_key_request');
  const publicKey = objectMember(keyRequest, 'publicKey', 'public_key');
  const key: KeyClaim = {
    kind: 'public-key',
    content: fromUtf8(textMember(publicKey, 'content', 'content')),
    proof: bytesMember(keyRequest, 'proofOfPossession', 'proof_of_possession'),
  };
  return { token, key };
}

/** @throws {Fault} fulcio/malformed, json/malformed */
export function readV1Request(bytes: unknown, authorization: string | undefined): SigningRequest {
  const request = body(bytes);
  const token = bearerToken(authorization);
  const csr = bytesMember(request, 'certificateSigningRequest', 'certificate_signing_request');
  if (csr.length > 0) return { token, key: { kind: 'csr', content: csr } };
  const publicKey = objectMember(request, 'publicKey', 'public_key');
  const key: KeyClaim = {
    kind: 'public-key',
    content: bytesMember(publicKey, 'content', 'content'),
    proof: bytesMember(request, 'signedEmailAddress', 'signed_email_address'),
  };
  return { token, key };
}
