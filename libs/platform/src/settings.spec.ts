import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { formatSettingsPage } from './settings-page.js';
import { parseSettings } from './settings.js';

const WHOLE = `
mode: evaluation
stateDir: /var/lib/airseal
runtimeDir: /run/airseal
instance: /var/lib/airseal/instance.yaml
database: { host: /run/airseal, ownerUser: airseal_owner }
redis: { socket: /run/airseal/redis.sock }
hsm:
  tokens:
    online: { module: /usr/lib/softhsm/libsofthsm2.so, uri: "pkcs11:token=airseal-online", pinSource: /run/pin }
listen:
  public: [{ address: 127.0.0.1, port: 8443 }]
  admin: { socket: /run/airseal/admin.sock }
tls: { certificate: /tls/server.pem, key: /tls/server.key }
identity: { issuers: /etc/airseal/issuers.yaml }
`;

describe('settings', () => {
  test('fill in what the schema knows to be harmless', () => {
    const settings = parseSettings(WHOLE);
    expect(settings.database).toMatchObject({ port: 5432, name: 'airseal', runtimeUser: 'airseal_app' });
    expect(settings.limits).toMatchObject({ rekorV1BodyBytes: 33554432, fulcioBodyBytes: 4194304 });
    expect(settings.limits.requestsPerSecond).toBeUndefined();
    expect(settings.crypto.profile).toBe('standard');
    expect(settings.clock.sources).toEqual([]);
    expect(settings.log).toEqual({
      level: 'info',
      v1: { signedEntryTimestamps: 'hsm-parallel', timestampsAtOnce: 8 },
      v2: { nativeDsse: false },
      statements: { maximumBytes: 4_194_304, maximumEntries: 16 },
      verification: { enabled: true, leavesPerSecond: 1000, everyHours: 24 },
    });
  });

  test.each([
    ['an unknown key', WHOLE.replace('mode: evaluation', 'mode: evaluation\ncolour: red'), 'colour'],
    ['an unknown key deep inside', WHOLE.replace('port: 8443', 'port: 8443, adress: x'), 'adress'],
    ['a key given twice', `${WHOLE}mode: production\n`, 'unique'],
    ['a relative path', WHOLE.replace('/run/airseal/admin.sock', 'admin.sock'), 'absolute path'],
    ['a PIN in a URI', WHOLE.replace('airseal-online"', 'airseal-online?pin-value=1234"'), 'no PIN'],
    ['a slot in place of a URI', WHOLE.replace('pkcs11:token=airseal-online', '3'), 'pkcs11:'],
    ['a token that is not for the appliance', WHOLE.replace('    online:', '    root:'), 'root'],
    ['a database on the network without TLS', WHOLE.replace('host: /run/airseal,', 'host: db.corp,'), 'tls'],
    [
      'a Redis on the network without TLS',
      WHOLE.replace('socket: /run/airseal/redis.sock', 'host: redis.corp'),
      'redis',
    ],
    ['a mode nobody knows', WHOLE.replace('mode: evaluation', 'mode: demo'), 'mode'],
    ['sources of time without any', `${WHOLE}clock: { trust: sources }\n`, 'at least 2'],
    [
      'two sources of time by one name',
      `${WHOLE}clock: { sources: [{ kind: ntp, name: a, host: x }, { kind: ntp, name: a, host: y }] }\n`,
      'the same name',
    ],
    [
      'one chronyd as two voices',
      `${WHOLE}clock: { sources: [{ kind: chrony, name: a }, { kind: chrony, name: b, port: 324 }] }\n`,
      'once only',
    ],
    [
      'a key of another source',
      `${WHOLE}clock: { sources: [{ kind: declared, name: a, host: x }] }\n`,
      'host',
    ],
    [
      'a key of the log outside its token',
      `${WHOLE}log: { v1: { signedEntryTimestamps: wrapped } }\n`,
      'wrapped is not',
    ],
    ['no YAML at all', '{', 'YAML'],
  ])('refuse %s and say where', (_what, text, hint) => {
    expect(() => parseSettings(text)).toThrow(hint);
  });

  test('take a database and a Redis with sentinels elsewhere', () => {
    const settings = parseSettings(
      WHOLE.replace(
        'host: /run/airseal, ownerUser: airseal_owner',
        'host: db.corp, passwordFile: /s/db, tls: { ca: /tls/ca.pem }',
      ).replace(
        'socket: /run/airseal/redis.sock',
        'sentinels: [{ host: s1.corp }], name: main, tls: { ca: /tls/ca.pem }',
      ),
    );
    expect(settings.database.ownerUser).toBeUndefined();
    expect(settings.redis).toMatchObject({ sentinels: [{ host: 's1.corp', port: 26379 }], name: 'main' });
  });

  test('are documented, every one, on the page that the repository carries', () => {
    const page = readFileSync(new URL('../../../docs/settings.md', import.meta.url), 'utf8');
    // If this fails: node dist/apps/appliance/src/main.js --settings-page > docs/settings.md
    expect(page).toBe(formatSettingsPage());
  });
});
