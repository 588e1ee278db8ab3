/** What steps leave for later steps, as it stands in the transcript: read back through these schemas only. */
import { z } from 'zod';
import { KeyAlgorithm } from './script.js';

const Base64 = z.base64();
const Hex = z.string().regex(/^[0-9a-f]*$/);

export const KeyResult = z.looseObject({
  uri: z.string(),
  token: z.string(),
  algorithm: KeyAlgorithm,
  spki: Base64,
  ckaId: Hex,
});
export type KeyResult = z.infer<typeof KeyResult>;

export const DraftResult = z.looseObject({
  role: z.enum(['code-root', 'code-intermediate', 'time-root', 'tsa-intermediate', 'tsa-leaf']),
  tbs: Base64,
  signatureAlgorithm: Base64,
  /** The step whose certificate issues this one; its own id for roots. */
  issuer: z.string(),
});
export type DraftResult = z.infer<typeof DraftResult>;

/** `above` is what an external authority sent with the certificate, its root last. */
export const CertificateResult = z.looseObject({ certificate: Base64, above: z.array(Base64).optional() });
export const RequestResult = z.looseObject({ request: Base64 });
export const ChainResult = z.looseObject({ chain: z.array(Base64) });

export const LogResult = z.looseObject({
  name: z.string(),
  url: z.string(),
  key: z.string(),
  logId: Hex,
  origin: z.string().optional(),
  treeId: z.string().optional(),
});

export const TrustResult = z.looseObject({
  material: z.looseObject({}),
  targets: z.array(z.looseObject({ name: z.string(), bytes: Base64 })),
});

export const TufDraftResult = z.looseObject({ signed: z.looseObject({}) });
export const TufSignatureResult = z.looseObject({ keyid: Hex, sig: Hex });
export const TufFileResult = z.looseObject({
  role: z.enum(['root', 'targets', 'snapshot', 'timestamp']),
  bytes: Base64,
});

export const InventoryResult = z.looseObject({
  keys: z.array(z.looseObject({ ckaId: Hex, label: z.string(), spkiSha256: Hex })),
  others: z.array(z.looseObject({ id: z.string(), label: z.string(), what: z.string() })),
});
