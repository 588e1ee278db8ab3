import { sha256 } from '#core/crypto';
import type { Attestation } from '../proposed-entry.js';
import { digestKey } from '../search-keys.js';

/** Larger ones are logged, yet not kept beside the entry (Rekor's `--max_attestation_size`). */
const MAX_ATTESTATION_BYTES = 100 * 1024;

export function attestationOf(payload: Uint8Array): { readonly attestation?: Attestation } {
  if (payload.length > MAX_ATTESTATION_BYTES) return {};
  return { attestation: { key: digestKey('sha256', sha256(payload)), data: payload } };
}
