import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshToken } from '../../../test/kit/kit.js';
import { Hsm } from './hsm.js';

/**
 * Reads a key's attributes through graphene-pk11, in a process of its own: SoftHSM takes its configuration
 * from the environment at load. The PIN comes on standard input.
 */
const SECOND_READER = `
  import graphene from 'graphene-pk11';
  import { readFileSync } from 'node:fs';
  const { module, label, object } = JSON.parse(process.argv[1]);
  const library = graphene.Module.load(module);
  library.initialize();
  const slots = library.getSlots(true);
  let slot;
  for (let at = 0; at < slots.length; at++) if (slots.items(at).getToken().label.trim() === label) slot = slots.items(at);
  const session = slot.open(graphene.SessionFlag.SERIAL_SESSION);
  session.login(readFileSync(0, 'utf8').trim());
  const found = session.find({ class: graphene.ObjectClass.PRIVATE_KEY, label: object });
  const key = found.items(0);
  const names = ['token', 'private', 'sensitive', 'alwaysSensitive', 'extractable', 'neverExtractable', 'local', 'sign', 'decrypt', 'unwrap', 'derive', 'modifiable'];
  const facts = { count: found.length };
  for (const name of names) facts[name] = key.getAttribute(name);
  session.logout(); session.close(); library.finalize();
  process.stdout.write(JSON.stringify(facts));
`;

test('a second library reads the attributes that we report', async () => {
  const runtimeDir = mkdtempSync(join(tmpdir(), 'hsm-'));
  const token = await freshToken('airseal-second');
  const hsm = await Hsm.open({ tokens: { online: token }, runtimeDir });
  try {
    const record = await hsm.generate('online', { label: 'a-key', algorithm: 'ecdsa-p256-sha256' });
    expect(record.report.holds).toBe(true);
    const facts: unknown = JSON.parse(
      execFileSync(
        'sh',
        [
          '-c',
          'exec "$0" --input-type=module -e "$1" "$2" < "$3"',
          process.execPath,
          SECOND_READER,
          JSON.stringify({ module: token.module, label: 'airseal-second', object: 'a-key' }),
          token.pinSource,
        ],
        { env: { ...token.environment, PATH: process.env['PATH'] ?? '' }, encoding: 'utf8' },
      ),
    );
    expect(facts).toEqual({
      count: 1,
      token: true,
      private: true,
      sensitive: true,
      alwaysSensitive: true,
      extractable: false,
      neverExtractable: true,
      local: true,
      sign: true,
      decrypt: false,
      unwrap: false,
      derive: false,
      modifiable: false,
    });
  } finally {
    await hsm.close();
    rmSync(runtimeDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
});
