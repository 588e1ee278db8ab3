/** Settings of what the appliance connects to: the database, the queue, the tokens. */
import { z } from 'zod';
import { told } from './settings-docs.js';

const Path = z.string().regex(/^\/[^\0]*$/, 'write an absolute path');
const Port = z.int().min(1).max(65535);

/** A documented absolute path. */
export function path(what: string, change: string, attacker: string) {
  return told(Path.clone(), what, change, attacker);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

const ClientTls = told(
  z
    .strictObject({
      ca: path(
        'PEM file with the certificate authorities that may vouch for the other side.',
        'When the server certificate is issued by another authority.',
        'Can stand in the middle of this connection with a certificate of their own making.',
      ),
      certificate: path(
        'PEM file with our client certificate.',
        'When the server asks its clients for certificates.',
        'Nothing without the key; with it, our identity towards this server.',
      ).optional(),
      key: path(
        'PEM file with the private key of our client certificate, mode 0600.',
        'Together with `certificate`.',
        'Our identity towards this server.',
      ).optional(),
    })
    .refine((tls) => (tls.certificate === undefined) === (tls.key === undefined), {
      message: 'set certificate and key together',
    }),
  'TLS towards a server on the network; the server name is always checked.',
  'Required as soon as the server is not on this machine.',
  'Without it, everyone on the network path reads and rewrites what passes.',
);

export const Database = told(
  z
    .strictObject({
      host: told(
        z.string().min(1),
        'Directory of the Unix socket (starts with `/`), or a host name.',
        'To use a PostgreSQL of your own.',
        'Can present a database of their choosing. The signing journal outside the database refuses a log head that went backwards.',
      ),
      port: told(
        Port.default(5432),
        'Port; on a Unix socket, the number in its file name.',
        'When your PostgreSQL listens elsewhere.',
        'As `host`.',
      ),
      name: told(
        z.string().min(1).default('airseal'),
        'Name of the database.',
        'When one PostgreSQL serves several installations.',
        'As `host`.',
      ),
      runtimeUser: told(
        z.string().min(1).default('airseal_app'),
        'Login role of the running appliance. It must be, or be a member of, `airseal_app`: migrations grant to that role exactly what running needs, and it cannot UPDATE or DELETE leaves.',
        'When your database has naming rules.',
        'A role with more rights would let a compromised appliance rewrite its own log.',
      ),
      passwordFile: path(
        'File with the password of `runtimeUser`, mode 0600; read anew for each connection, so that it can be rotated. Not needed on a Unix socket with peer authentication.',
        'When the server asks for a password.',
        'The rights of the running appliance in the database, without its checks.',
      ).optional(),
      ownerUser: told(
        z.string().min(1),
        'Role that owns the tables and runs migrations at start. Leave it out to run them apart (`--migrate` with other settings); a start then refuses a schema that is not exactly the one it knows.',
        'Leave it out where the running host must not be able to alter tables.',
        'May alter and drop every table, hence rewrite history in the database; signatures already given out and the journal outside still contradict it.',
      ).optional(),
      ownerPasswordFile: path(
        'File with the password of `ownerUser`, mode 0600.',
        'When the server asks for a password.',
        'As `ownerUser`.',
      ).optional(),
      tls: ClientTls.optional(),
      connections: told(
        z.int().min(4).max(200).default(10),
        'How many connections one appliance holds for its log and its doors.',
        'Raise it for many cores; replicas times connections must stay below the limit of the server.',
        'Can starve the appliance or the server of connections.',
      ),
    })
    .refine(
      (database) => database.host.startsWith('/') || isLoopback(database.host) || database.tls !== undefined,
      {
        message: 'a database on the network needs tls: { ca: … }',
        path: ['tls'],
      },
    ),
  'Where the truth of every log is kept: PostgreSQL.',
  'To use your own replicated PostgreSQL.',
  'Availability, and everything the two roles below may do.',
);

const RedisPlace = {
  passwordFile: path(
    'File with the password, mode 0600.',
    'When Redis asks for one.',
    'Can add, delay or delete background jobs.',
  ).optional(),
  tls: ClientTls.optional(),
};

const RedisSocket = z.strictObject({
  socket: path(
    'Unix socket of Redis.',
    'For a Redis on this machine.',
    'Can add, delay or delete background jobs; nothing acknowledged is kept here alone.',
  ),
  passwordFile: RedisPlace.passwordFile,
});
const RedisHost = z.strictObject({
  host: told(z.string().min(1), 'Host name of Redis.', 'For a Redis on the network.', 'As `socket`.'),
  port: told(Port.default(6379), 'Port of Redis.', 'When it listens elsewhere.', 'As `socket`.'),
  ...RedisPlace,
});
const RedisSentinel = z.strictObject({
  sentinels: told(
    z
      .array(
        z.strictObject({
          host: told(
            z.string().min(1),
            'Host name of a sentinel.',
            'As your sentinels move.',
            'As `socket`.',
          ),
          port: told(
            Port.default(26379),
            'Port of a sentinel.',
            'When it listens elsewhere.',
            'As `socket`.',
          ),
        }),
      )
      .min(1),
    'The sentinels, any of which names the current primary.',
    'For a Redis that survives the loss of a machine.',
    'As `socket`.',
  ),
  name: told(
    z.string().min(1),
    'Name of the primary as the sentinels know it.',
    'As your sentinels call it.',
    'As `socket`.',
  ),
  ...RedisPlace,
});

export const Redis = told(
  z
    .union([RedisSocket, RedisHost, RedisSentinel])
    .refine((redis) => !('host' in redis) || isLoopback(redis.host) || redis.tls !== undefined, {
      message: 'a Redis on the network needs tls: { ca: … }',
    })
    .refine(
      (redis) =>
        !('sentinels' in redis) ||
        redis.sentinels.every((one) => isLoopback(one.host)) ||
        redis.tls !== undefined,
      { message: 'sentinels on the network need tls: { ca: … }' },
    ),
  'The queue of scheduled and long work; never the only copy of anything acknowledged. Exactly one of the three forms: `socket`, `host` or `sentinels`.',
  'To use a Redis of your own.',
  'Can add, delay or delete background jobs.',
);

export const TokenSettings = z.strictObject({
  module: path(
    'The PKCS#11 library of the token.',
    'To use a token of another vendor.',
    'Code of their choosing in the signing process, and with it every signature.',
  ),
  uri: told(
    z
      .string()
      .startsWith('pkcs11:')
      .refine((uri) => !/pin-(value|source)=/.test(uri), {
        message: 'no PIN in the URI; use pinSource',
      }),
    'RFC 7512 URI that selects the token by label, never by slot, and holds no PIN.',
    'When the token is called otherwise.',
    'Can point the appliance at another token; its keys would not match the trust material, so it would refuse to sign.',
  ),
  pinSource: path(
    'File with the PIN, mode 0600.',
    'When the PIN is kept elsewhere, for example in a systemd credential.',
    'With access to the token as well: every signature that the keys in it can make.',
  ),
  environment: told(
    z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string()).default({}),
    'Environment of the signing process, for libraries that are configured that way (`SOFTHSM2_CONF`).',
    'As the vendor of the token asks.',
    'As `module`, for most vendors.',
  ),
});
export type TokenSettings = z.infer<typeof TokenSettings>;
