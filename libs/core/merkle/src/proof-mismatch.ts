import { Fault } from '#core/fault';
import { HASH_SIZE } from './hash.js';

export function proofMismatch(what: string): Fault {
  return new Fault('unverified', 'merkle/proof-mismatch', what);
}

/** A node of another length would shift the boundary between two inputs of one hash. */
export function assertHashes(hashes: readonly Uint8Array[]): void {
  for (const hash of hashes) {
    if (hash.length !== HASH_SIZE) throw proofMismatch(`each hash in a proof has ${HASH_SIZE} octets`);
  }
}
