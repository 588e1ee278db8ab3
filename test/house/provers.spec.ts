/** What the crash rounds prove with can fail: an answer that is about another entry is found. */
import { describe, expect, test } from '@jest/globals';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { canonicalJson } from '#core/json';
import { EntriesV1 } from '../crash/rounds/prove-entries.mjs';
import { hashLeaf } from '../crash/rounds/merkle.mjs';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = publicKey.export({ format: 'der', type: 'spki' });
const origin = 'log.test - 1';

/** A v1 log with one entry, over `digest`, and what it answers. */
function logOver(digest: string) {
  const body = Buffer.from(JSON.stringify({ spec: { data: { hash: { value: digest } } } }));
  const leaf = hashLeaf(body);
  const id = `${'0'.repeat(16)}${leaf.toString('hex')}`;
  const text = `${origin}\n1\n${leaf.toString('base64')}\n`;
  const hint = createHash('sha256').update(spki).digest().subarray(0, 4);
  const signature = Buffer.concat([hint, sign('sha256', Buffer.from(text), privateKey)]).toString('base64');
  const checkpoint = `${text}\n— log.test ${signature}\n`;
  const said = { body: body.toString('base64'), integratedTime: 1, logID: '00', logIndex: 0 };
  const set = sign('sha256', canonicalJson(said), privateKey).toString('base64');
  const inclusionProof = { logIndex: 0, hashes: [], checkpoint };
  const entry = { ...said, verification: { signedEntryTimestamp: set, inclusionProof } };
  const get = async (url: URL): Promise<Buffer> =>
    Buffer.from(
      JSON.stringify(url.pathname.includes('/entries/') ? { [id]: entry } : { signedTreeHead: checkpoint }),
    );
  return { id, get, created: JSON.stringify({ [id]: entry }) };
}

function prover(): EntriesV1 {
  const site = {
    origin: new URL('https://log.test'),
    material: { rekorV1: [{ origin, key: { spki: spki.toString('base64') } }] },
  };
  return new EntriesV1(site as unknown as ConstructorParameters<typeof EntriesV1>[0]);
}

const [asked, another] = ['aa'.repeat(32), 'bb'.repeat(32)];
const told = { sentMs: 0, doneMs: 1, context: asked };

describe('an acknowledged entry of v1', () => {
  test('is about what was sent', () => {
    expect(() => prover().take({ ...told, kind: 'v1', answer: logOver(asked).created })).not.toThrow();
    expect(() => prover().take({ ...told, kind: 'v1', answer: logOver(another).created })).toThrow(
      /is about/,
    );
  });

  test.each([false, true])('that a second try was sent to is about what was sent (all: %s)', async (all) => {
    const second = async (digest: string) => {
      const log = logOver(digest);
      const entries = prover();
      entries.take({
        ...told,
        kind: 'v1-known',
        answer: `HTTP/1.1 409 Conflict\r\nlocation: /api/v1/log/entries/${log.id}\r\n`,
      });
      return await entries.prove(log.get, all);
    };
    await expect(second(asked)).resolves.toMatchObject({ entries: 1 });
    await expect(second(another)).rejects.toThrow(/is about/);
  });

  test('is not named for two different requests', () => {
    const entries = prover();
    const answer = `location: /api/v1/log/entries/${logOver(asked).id}\r\n`;
    entries.take({ ...told, kind: 'v1-known', answer });
    expect(() => entries.take({ ...told, kind: 'v1-known', context: another, answer })).toThrow(/was named/);
  });
});
