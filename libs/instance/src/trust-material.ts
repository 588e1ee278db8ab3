/**
 * What the ceremonies produced, as the running appliance reads it: `trust-material.json`.
 *
 * Only ceremonies write this file; nobody types into it. It holds public facts (certificates, public keys,
 * key URIs, windows) and no secret. Each role is a list with validity windows, so that any key can be
 * rotated while old signatures stay verifiable.
 */
import { z } from 'zod';
import { Fault } from '#core/fault';
import { Mode } from './instance.js';

const Base64 = z.base64();
/** RFC 3339, UTC, whole seconds: `2026-11-21T10:00:00Z`. */
const Instant = z.iso.datetime({ precision: 0 });
const Window = { start: Instant, end: Instant.optional() };

/** A key in a token: RFC 7512 URI by label, never by slot. */
const HsmKey = z.strictObject({
  uri: z.string().startsWith('pkcs11:'),
  /** Which configured token holds it: `online`, `root`, `officer-1` … */
  token: z.string(),
  algorithm: z.enum([
    'ecdsa-p256-sha256',
    'ecdsa-p384-sha384',
    'rsa-2048-sha256',
    'rsa-3072-sha256',
    'rsa-4096-sha256',
    'ed25519',
  ]),
  spki: Base64,
});
export type HsmKeyRecord = z.infer<typeof HsmKey>;

export const TrustMaterial = z.strictObject({
  apiVersion: z.literal('airseal/trust-material/v1'),
  mode: Mode,
  organisation: z.string(),
  createdAt: Instant,
  certificateAuthorities: z
    .array(
      z.strictObject({
        key: HsmKey,
        /** Issuing CA first, self-signed root last; base64 DER. */
        chain: z.array(Base64).min(2),
        url: z.url(),
        ...Window,
      }),
    )
    .min(1),
  timestampAuthorities: z
    .array(
      z.strictObject({
        key: HsmKey,
        /** Leaf first, root last; base64 DER. */
        chain: z.array(Base64).min(2),
        url: z.url(),
        ...Window,
      }),
    )
    .min(1),
  ctLogs: z.array(z.strictObject({ name: z.string(), url: z.url(), key: HsmKey, ...Window })).min(1),
  rekorV1: z
    .array(
      z.strictObject({
        name: z.string(),
        url: z.url(),
        /** Decimal, up to 63 bits, non-zero (CONTRACTS §3.5). */
        treeId: z.string().regex(/^[1-9]\d{0,18}$/),
        /** `<host> - <treeId>` */
        origin: z.string(),
        key: HsmKey,
        ...Window,
      }),
    )
    .min(1),
  rekorV2: z
    .array(z.strictObject({ name: z.string(), url: z.url(), origin: z.string(), key: HsmKey, ...Window }))
    .min(1),
  tuf: z.strictObject({
    url: z.url(),
    threshold: z.int().min(1),
    officers: z.array(HsmKey),
    snapshot: HsmKey,
    timestamp: HsmKey,
  }),
  /** RS256 key of the built-in issuer, when there is one. */
  issuer: z.strictObject({ url: z.url(), key: HsmKey }).optional(),
  audit: HsmKey,
  transcript: HsmKey,
});
export type TrustMaterial = z.infer<typeof TrustMaterial>;

/** @throws {Fault} instance/trust-material if the file is not what a ceremony wrote */
export function parseTrustMaterial(text: string): TrustMaterial {
  let material: unknown;
  try {
    material = JSON.parse(text);
  } catch (cause) {
    throw new Fault(
      'corrupt',
      'instance/trust-material',
      'trust-material.json is cut short or is not JSON; put back the copy that its ceremony left, and find out who changed it',
      { cause },
    );
  }
  const result = TrustMaterial.safeParse(material);
  if (!result.success) {
    throw new Fault(
      'corrupt',
      'instance/trust-material',
      `trust-material.json does not hold what a ceremony writes: ${z.prettifyError(result.error)}`,
    );
  }
  return result.data;
}
