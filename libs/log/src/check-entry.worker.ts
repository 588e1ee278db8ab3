/** The thread in which entries are checked: some requests in, as many replies out. */
import { parentPort, workerData } from 'node:worker_threads';
import { type CryptoProfile, useProfile } from '#core/crypto';
import { isFault } from '#core/fault';
import { checkEntry, type CheckReply, type CheckRequest } from './checked-entry.js';

function answer({ id, face, body }: CheckRequest): CheckReply {
  try {
    return { id, entry: checkEntry(face, body) };
  } catch (error) {
    if (isFault(error)) {
      const { kind, code, message, detail } = error;
      return { id, fault: { kind, code, message, detail } };
    }
    return { id, defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

useProfile((workerData as { readonly profile: CryptoProfile }).profile);
parentPort?.on('message', (requests: readonly CheckRequest[]) => parentPort?.postMessage(requests.map(answer)));
