import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Fault } from '#core/fault';
import { readMessageJson } from './places.js';

/**
 * The trusted root in a file. The kept library takes what it is given for a trusted root, and fails somewhere inside
 * where it is none.
 *
 * @throws {Fault} cli/file-not-found, cli/not-json, cli/not-a-trusted-root
 */
export function trustedRootIn(path: string): TrustedRoot {
  const json = readMessageJson(path, 'trusted root');
  try {
    return TrustedRoot.fromJSON(json);
  } catch (cause) {
    throw new Fault('malformed', 'cli/not-a-trusted-root', `${path} does not hold a trusted root`, { cause });
  }
}
