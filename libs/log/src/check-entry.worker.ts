/** The thread in which entries are checked: some requests in, as many replies out. */
import { parentPort, workerData } from 'node:worker_threads';
import { useProfile } from '#core/crypto';
import { isFault } from '#core/fault';
import { depositFacts, matchDeposit } from './checked-deposit.js';
import { checkEntry, type CheckerData, type CheckReply, type CheckRequest } from './checked-entry.js';
import { readLookUps } from './v1/look-ups.js';

const { profile, ...options } = workerData as CheckerData;

function answer(request: CheckRequest): CheckReply {
  const { id, what, body } = request;
  try {
    switch (what) {
      case 'look-ups':
        return { id, lookUps: readLookUps(body) };
      case 'deposit':
        return { id, deposit: depositFacts(body) };
      case 'match':
        return { id, match: matchDeposit(body, request.leaves) };
      case 'v1':
      case 'v2':
        return { id, entry: checkEntry(what, body, options) };
    }
  } catch (error) {
    if (isFault(error)) {
      const { kind, code, message, detail } = error;
      return { id, fault: { kind, code, message, detail } };
    }
    return { id, defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

useProfile(profile);
parentPort?.on('message', (requests: readonly CheckRequest[]) =>
  parentPort?.postMessage(requests.map(answer)),
);
