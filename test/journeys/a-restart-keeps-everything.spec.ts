/** What was answered is there, whatever process dies without notice. */
import { expect, test } from '@jest/globals';
import { verifyConsistency } from '#core/merkle';
import { installation } from '../kit/index.js';
import { agents, killAgents, killAppliance, startAgain } from './daemons.js';
import { hashLeaf, rootFromProof } from './merkle.js';
import { hashedRekordV1, hashedRekordV2 } from './proposals.js';
import { certified, Holder } from './signer.js';
import { timestampRequest } from './timestamp-requests.js';
import { publicSizes } from './traces.js';
import { readCheckpoint, rekorV1Key, rekorV2Key } from './trust.js';
import { ask, post } from './wire.js';

const { origin, shardOrigin } = installation();
const ENTRIES = '/api/v1/log/entries';
const HOST = new URL(origin).hostname;
const SHARD = new URL(shardOrigin).hostname;

interface Entry {
  readonly body: string;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      checkpoint: string;
      hashes: string[];
      logIndex: number;
      rootHash: string;
      treeSize: number;
    };
  };
}

function only(text: string): [string, Entry] {
  const [found] = Object.entries(JSON.parse(text) as Record<string, Entry>);
  if (found === undefined) throw new Error('no entry');
  return found;
}

test('the appliance killed in the middle of its work loses nothing that it answered', async () => {
  const [id, before] = only((await post(origin, ENTRIES, hashedRekordV1(await certified(), 'kept'))).text);
  const v2 = JSON.parse(
    (await post(shardOrigin, '/api/v2/log/entries', hashedRekordV2(new Holder(), 'kept'))).text,
  ) as {
    inclusionProof: { checkpoint: { envelope: string } };
  };
  const sizes = await publicSizes();
  // Requests under way when it dies: each was either answered, or may be gone.
  const answered: string[] = [];
  const underWay = Array.from({ length: 12 }, (_, index) =>
    post(origin, ENTRIES, hashedRekordV1(new Holder(), `under way ${index}`)).then(
      (answer) => void (answer.status === 201 && answered.push(only(answer.text)[0])),
      () => undefined,
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 60));
  await killAppliance();
  await Promise.all(underWay);
  await startAgain();

  const after = await publicSizes();
  expect(after.v1).toBeGreaterThanOrEqual(sizes.v1 + answered.length);
  expect(after.v2).toBeGreaterThanOrEqual(sizes.v2);
  expect(after.ct).toBeGreaterThanOrEqual(sizes.ct);
  for (const one of answered) expect((await ask(origin, { path: `${ENTRIES}/${one}` })).status).toBe(200);

  await post(origin, ENTRIES, hashedRekordV1(new Holder(), 'the first after it'));
  const [, found] = only((await ask(origin, { path: `${ENTRIES}/${id}` })).text);
  expect(found.body).toBe(before.body);
  expect(found.verification.signedEntryTimestamp).toBe(before.verification.signedEntryTimestamp);
  const { inclusionProof } = found.verification;
  const later = readCheckpoint(inclusionProof.checkpoint, HOST, rekorV1Key());
  const hashes = inclusionProof.hashes.map((hash) => Buffer.from(hash, 'hex'));
  expect(
    rootFromProof(hashLeaf(Buffer.from(found.body, 'base64')), inclusionProof.logIndex, later.size, hashes),
  ).toEqual(later.root);

  // The tree of then is the beginning of the tree of now.
  const then = readCheckpoint(before.verification.inclusionProof.checkpoint, HOST, rekorV1Key());
  expect(later.size).toBeGreaterThan(then.size);
  const { hashes: proof } = JSON.parse(
    (await ask(origin, { path: `/api/v1/log/proof?firstSize=${then.size}&lastSize=${later.size}` })).text,
  ) as { hashes: string[] };
  const head = ({ size, root }: { size: number; root: Buffer }) => ({
    size: BigInt(size),
    root: new Uint8Array(root),
  });
  verifyConsistency(
    head(then),
    head(later),
    proof.map((hash) => new Uint8Array(Buffer.from(hash, 'hex'))),
  );

  const checkpoint = readCheckpoint(
    (await ask(shardOrigin, { path: '/api/v2/checkpoint' })).text,
    SHARD,
    rekorV2Key(),
  );
  expect(checkpoint.size).toBeGreaterThanOrEqual(
    readCheckpoint(v2.inclusionProof.checkpoint.envelope, SHARD, rekorV2Key()).size,
  );
});

test('the process that holds the token, killed, is back for the next signature', async () => {
  const before = agents();
  expect(before.length).toBeGreaterThan(0);
  expect(await killAgents()).toEqual(before);
  // Each of these needs signatures of several keys; none may fail or need a second try.
  const signer = await certified();
  expect((await post(origin, ENTRIES, hashedRekordV1(signer, 'signed again'))).status).toBe(201);
  expect(
    (await post(shardOrigin, '/api/v2/log/entries', hashedRekordV2(signer, 'signed again'))).status,
  ).toBe(201);
  const stamped = await post(origin, '/api/v1/timestamp', timestampRequest(), {
    'Content-Type': 'application/timestamp-query',
  });
  expect(stamped.status).toBe(200);
  const after = agents();
  expect(after.length).toBeGreaterThan(0);
  expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  expect((await ask(origin, { path: '/readyz' })).status).toBe(200);
});
