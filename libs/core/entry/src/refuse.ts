import { Fault, isFault } from '#core/fault';

export function malformed(what: string, cause?: unknown): Fault {
  return new Fault('malformed', 'entry/malformed', what, cause === undefined ? {} : { cause });
}

export function unverified(what: string, cause?: unknown): Fault {
  return new Fault('unverified', 'entry/signature', what, cause === undefined ? {} : { cause });
}

/**
 * The result of `work`; a Fault out of it is told again with `message` in front of its own, and as `code`
 * of this library. Everything else is a defect and passes through.
 */
export function within<T>(code: string, message: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isFault(error)) throw error;
    throw new Fault(error.kind, code, `${message}: ${error.message}`, { cause: error });
  }
}
