/**
 * JSON logs, one object per line, without secrets.
 *
 * Nothing logs a body or an Authorization header to begin with. Two nets hang below that: keys that name a
 * secret are redacted, and what looks like a bearer token, a JWT or a PIN in a URI is struck from the line,
 * wherever it came from (a library's error message, for instance).
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import { type FaultKind, isFault } from '#core/fault';
import type { Settings } from './settings.js';

export type { Logger } from 'pino';

const SECRET_KEYS = [
  'pin',
  'password',
  'passphrase',
  'secret',
  'token',
  'authorization',
  'cookie',
  'client_assertion',
];

const LOOKS_SECRET = /\bBearer\s+[\w.~+/=-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|\bpin-value=[^;&"\s]+/g;

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return {
    type: error.name,
    ...(isFault(error) ? { code: error.code, kind: error.kind, detail: error.detail } : {}),
    message: error.message,
    ...(isFault(error) ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

/** Strikes what looks like a secret from a line. */
export function strikeSecrets(line: string): string {
  return line.replace(LOOKS_SECRET, '[struck]');
}

/** What is kept for a disk that is full; lines beyond it are lost. */
const KEPT_OCTETS = 1024 * 1024;

/**
 * Lines to a descriptor that never end the process: a log that cannot be written (a full disk) is a lesser evil than
 * doors that close. What was kept is written as soon as it can be.
 */
export function logDestination(fd: number): DestinationStream {
  const out = pino.destination({ fd, sync: true, maxLength: KEPT_OCTETS });
  out.on('error', () => undefined);
  return out;
}

/** The log of one process; `destination` is standard output unless a test holds it. */
export function createLogger(
  settings: { readonly log: Pick<Settings['log'], 'level'>; readonly mode: Settings['mode'] },
  destination?: DestinationStream,
): Logger {
  const out = destination ?? logDestination(1);
  return pino(
    {
      level: settings.log.level,
      base: { app: 'airseal', mode: settings.mode },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
        censor: '[struck]',
      },
      serializers: { err: describeError },
    },
    { write: (line: string) => out.write(strikeSecrets(line)) },
  );
}

const LEVEL: Readonly<Record<FaultKind, 'info' | 'warn' | 'fatal'>> = {
  malformed: 'info',
  unverified: 'warn',
  refused: 'info',
  absent: 'info',
  conflict: 'info',
  unavailable: 'warn',
  corrupt: 'fatal',
};

/** Writes down why a request failed, at the level of its kind; a defect as an error, with all of it. */
export function logError(
  logger: Logger,
  error: unknown,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  if (isFault(error)) logger[LEVEL[error.kind]]({ ...facts, err: error }, error.message);
  else logger.error({ ...facts, err: error }, 'defect');
}
