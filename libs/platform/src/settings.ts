/**
 * The one settings file of an appliance: `airseal.yaml`.
 *
 * The file is strict: a key that we do not know is refused, so that a misspelt limit is an error and not a
 * default. Secrets are never values here, only references (a file of mode 0600, a PKCS#11 URI); nothing is
 * read from the environment. Paths are absolute, because a daemon has no useful working directory.
 *
 * `docs/settings.md` is generated from the three answers beside each key; a test holds the two together.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { Fault } from '#core/fault';
import { ClockSettings } from './settings-clock.js';
import { Database, path, Redis, TokenSettings } from './settings-connections.js';
import { told } from './settings-docs.js';
import { Log } from './settings-log.js';

export { TokenSettings } from './settings-connections.js';

/** Port 0 asks the kernel for any free port; tests use it. */
const ListenPort = z.int().min(0).max(65535);

const Listener = z.strictObject({
  address: told(
    z.string().min(1),
    'Address to listen on.',
    'As your network has it.',
    'Can expose the door to networks that it was not meant for.',
  ),
  port: told(ListenPort, 'Port to listen on.', 'As your network has it.', 'As `address`.'),
});
export type Listener = z.infer<typeof Listener>;

const Bytes = (fallback: number, protocol: string) =>
  told(
    z.int().min(1024).max(268435456).default(fallback),
    `Largest request body in bytes: ${protocol}.`,
    'Raise it for attestations that are larger; the whole body is held in memory.',
    'A high limit lets callers fill memory; a low one refuses honest clients.',
  );

const Limits = told(
  z
    .strictObject({
      requestsInFlight: told(
        z.int().min(1).max(100000).default(512),
        'How many requests may be under way at once; more are answered 503 with Retry-After at once.',
        'Raise it together with memory and database connections.',
        'Too high: overload becomes a queue that answers nobody in time. Too low: honest clients are turned away.',
      ),
      requestsPerSecond: told(
        z.int().min(1).max(1000000),
        'Requests per second and caller address, with a burst of twice that; more are answered 429. Off when left out.',
        'Where single callers misbehave. Callers behind one proxy count as one.',
        'A low limit turns honest clients away.',
      ).optional(),
      bodyBytesInFlight: told(
        z.int().min(1048576).max(68719476736).default(268435456),
        'How many bytes the bodies of all requests under way may hold together, beyond the first 64 KiB of each; more are answered 503 with Retry-After.',
        'Raise it together with memory, where many large attestations arrive at once.',
        'A high value lets callers fill memory with half-sent requests; a low one turns large honest ones away.',
      ),
      fulcioBodyBytes: Bytes(4194304, 'certificate requests'),
      rekorV1BodyBytes: Bytes(33554432, 'entries of the v1 log'),
      rekorV2BodyBytes: Bytes(4194304, 'entries of the v2 log'),
      timestampBodyBytes: Bytes(1048576, 'timestamp requests'),
      statementBodyBytes: Bytes(5242880, 'statements that are deposited'),
      otherBodyBytes: Bytes(1048576, 'everything else'),
      shutdownMs: told(
        z.int().min(100).max(600000).default(10000),
        'How long a stop waits for requests under way before it cuts them off.',
        'Raise it where clients are slow.',
        'Can delay a stop.',
      ),
    })
    .prefault({}),
  'What one appliance takes upon itself.',
  'To fit the machine.',
  'Availability.',
);

export const Settings = z.strictObject({
  mode: told(
    z.enum(['production', 'rehearsal', 'evaluation']),
    '`production`, `rehearsal` (unusable by construction) or `evaluation` (real clients accept it; says DO NOT TRUST everywhere). Must equal the mode in `instance.yaml` and in the trust material.',
    'Never, on an installation that exists: genesis fixes it.',
    'Nothing by itself: production refuses what was made in another mode.',
  ),
  stateDir: path(
    'Where everything lives that must survive a restart.',
    'To put it on a volume of its own that is backed up.',
    'Can replace the trust material and the TUF metadata; officers’ signatures on these still have to verify.',
  ),
  runtimeDir: path(
    'Short directory for Unix sockets; their paths have a length limit of about 100 characters.',
    'Rarely: usually under /run.',
    'Whoever may write here can stand in for the sockets of the agent and of the database.',
  ),
  instance: path(
    'The `instance.yaml` that genesis was given.',
    'Never after genesis: its names are burnt into every bundle.',
    'Can make the appliance announce other names than its certificates carry; clients then refuse it.',
  ),
  crypto: told(
    z
      .strictObject({
        profile: told(
          z.enum(['standard', 'fips']).default('standard'),
          'Which algorithms the front door of cryptography lets through.',
          'Set `fips` where only approved algorithms may verify anything.',
          '`standard` where `fips` is required: signatures that your rules do not recognise.',
        ),
      })
      .prefault({}),
    'Which cryptography is allowed.',
    'For regulated environments.',
    'See `profile`.',
  ),
  database: Database,
  redis: Redis,
  hsm: told(
    z.strictObject({
      tokens: told(
        z.strictObject({
          online: told(
            TokenSettings,
            'The token with the keys that the running appliance signs with. Root and officers’ tokens have no place here.',
            'To move to another token.',
            'See its keys.',
          ),
        }),
        'The tokens that the appliance may open, by name.',
        'To move to another token.',
        'See `online`.',
      ),
      journal: path(
        'Directory of the signing journals: what the keys of the logs have signed, one line before each signature. `journal` in the state directory when left out.',
        'To put it on another volume than the database, so that no backup or snapshot takes both back together. Move the files while the appliance is stopped.',
        'Can stop the logs by damaging it; with the database and the token’s own record taken back as well, can make a log sign a second history.',
      ).optional(),
    }),
    'Hardware security modules.',
    'To use a token of your own.',
    'See `tokens`.',
  ),
  listen: told(
    z.strictObject({
      public: told(
        z.array(Listener).min(1),
        'Where clients find the certificate authority, the logs, the timestamps and the trust root: one TLS origin for HTTP/2, HTTP/1.1 and gRPC.',
        'One entry per address; a shard of the v2 log may have an address of its own.',
        'Can expose the doors to networks that they were not meant for.',
      ),
      admin: told(
        z.strictObject({
          socket: path(
            'Unix socket of the administrative verbs, mode 0600: who may open it, may administer. There is no port for this.',
            'Rarely.',
            'Whoever can open it can register machine identities and trigger jobs; keys stay in the token.',
          ),
        }),
        'Administration.',
        'Rarely.',
        'See `socket`.',
      ),
      metrics: told(
        Listener,
        'Plain HTTP for a Prometheus server: `/metrics`, and nothing else. Always served on the admin socket; on a port only when set.',
        'Where the collector is another host.',
        'Reads counts and timings; learns how busy which service is.',
      ).optional(),
    }),
    'Where the appliance listens.',
    'To fit your network.',
    'See below.',
  ),
  tls: told(
    z.strictObject({
      certificate: path(
        'PEM file with the certificate chain of the public origin, leaf first. Replaced files are taken up without a restart.',
        'When the certificate is renewed elsewhere.',
        'Nothing without the key.',
      ),
      key: told(
        z.string().refine((text) => text.startsWith('/') || text.startsWith('pkcs11:'), {
          message: 'must be an absolute path',
        }),
        'PEM file with the private key of that certificate, mode 0600. A `pkcs11:` URI is refused by name at the start: TLS in this Node.js cannot use a key in a token.',
        'When the certificate is renewed elsewhere.',
        'Can stand in the middle between clients and the appliance: can read identity tokens and spend them within their minutes, but cannot forge what the keys in the token sign.',
      ),
    }),
    'The certificate of the public origin.',
    'To use one of your own authority.',
    'See `key`.',
  ),
  identity: told(
    z.strictObject({
      issuers: path(
        'Who may vouch for identities: a file in Fulcio’s own format (`oidc-issuers`).',
        'To accept tokens of your own identity provider.',
        'Can add an issuer of their own and get certificates for any identity; every one of them is in the log.',
      ),
    }),
    'Who may vouch for identities.',
    'To accept your own identity provider.',
    'See `issuers`.',
  ),
  clock: ClockSettings,
  limits: Limits,
  log: Log,
});
export type Settings = z.infer<typeof Settings>;
export type DatabaseSettings = Settings['database'];
export type RedisSettings = Settings['redis'];

/** Limits with everything that was left out filled in. */
export function parseLimits(limits: z.input<typeof Limits>): Settings['limits'] {
  return Limits.parse(limits);
}

/** Settings of the clock with everything that was left out filled in. */
export function parseClock(clock: z.input<typeof ClockSettings>): Settings['clock'] {
  return ClockSettings.parse(clock);
}

/**
 * Reads the text of an `airseal.yaml`.
 *
 * @throws {Fault} settings/malformed naming each wrong key and why
 */
export function parseSettings(text: string, name = 'airseal.yaml'): Settings {
  let value: unknown;
  try {
    value = parse(text, { strict: true, uniqueKeys: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault('malformed', 'settings/malformed', `${name} is not YAML: ${reason}`, { cause });
  }
  const result = Settings.safeParse(value);
  if (!result.success) {
    throw new Fault('malformed', 'settings/malformed', `${name}: ${z.prettifyError(result.error)}`);
  }
  return result.data;
}

/** @throws {Fault} settings/unreadable, settings/malformed */
export function loadSettings(file: string): Settings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Fault(
      'absent',
      'settings/unreadable',
      `cannot read the settings at ${file}; give another with --settings`,
      {
        cause,
      },
    );
  }
  return parseSettings(text, file);
}
