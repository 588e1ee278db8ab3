/** What the agent is started with: arguments that anyone may read in the process list. */
import { parseArgs } from 'node:util';
import { parsePkcs11Uri, type Pkcs11Uri } from '../pkcs11-uri.js';

export interface AgentSettings {
  readonly module: string;
  readonly token: Pkcs11Uri;
  readonly pinSource: string;
  readonly socket: string;
  /** Digest of everything above and of the environment: two processes must mean the same token. */
  readonly fingerprint: string;
  /** Where the signing journals of this token's keys are kept; without it no log is signed for. */
  readonly journal: string | undefined;
  readonly sessions: number;
  /** How long the agent stays after the last process has left. */
  readonly lingerMs: number;
}

export function agentSettings(args: readonly string[]): AgentSettings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      module: { type: 'string', default: '' },
      uri: { type: 'string', default: '' },
      'pin-source': { type: 'string', default: '' },
      socket: { type: 'string', default: '' },
      fingerprint: { type: 'string', default: '' },
      journal: { type: 'string', default: '' },
      sessions: { type: 'string', default: '8' },
      'linger-ms': { type: 'string', default: '3000' },
    },
    strict: true,
  });
  return {
    module: values.module,
    token: parsePkcs11Uri(values.uri),
    pinSource: values['pin-source'],
    socket: values.socket,
    fingerprint: values.fingerprint,
    journal: values.journal === '' ? undefined : values.journal,
    sessions: Number(values.sessions),
    lingerMs: Number(values['linger-ms']),
  };
}
