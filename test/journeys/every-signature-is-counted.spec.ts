/** Everything that all the journeys before had signed stands in a book, and what is signed beside the books is found. */
import { expect, test } from '@jest/globals';
import { element, objectIdentifier, sequence, TAG } from '#core/der';
import { Hsm, journalDirectory } from '#hsm';
import { loadSettings } from '#platform';
import { airseal, installation } from '../kit/index.js';
import { agents, killAgents } from './daemons.js';
import { timestampRequest } from './timestamp-requests.js';
import { post } from './wire.js';

const { origin, settings } = installation();

interface Row {
  readonly purpose: string;
  readonly labels: readonly string[];
  readonly atLeast: string;
  readonly atMost: string;
  readonly booked: string | null;
  readonly residual: string;
  readonly verdict: string;
  readonly because: string;
}

interface Reconciliation {
  readonly findings: number;
  readonly uses: readonly Row[];
  readonly breaks: readonly unknown[];
}

async function reconcile(code = 0): Promise<Reconciliation> {
  const result = await airseal('hsm', 'reconcile', '--output', 'json');
  expect({ code: result.code, stderr: code === 0 ? result.stderr : '' }).toEqual({ code, stderr: '' });
  return JSON.parse(result.stdout) as Reconciliation;
}

function found({ uses }: Reconciliation): readonly Row[] {
  return uses.filter(({ verdict }) => verdict === 'finding');
}

const stamp = () =>
  post(origin, '/api/v1/timestamp', timestampRequest(), { 'Content-Type': 'application/timestamp-query' });

test('after all the journeys, and the deaths in them, every signature stands in a book', async () => {
  const result = await reconcile();
  expect([found(result), result.findings, result.breaks]).toEqual([[], 0, []]);
  const purposes = new Set(result.uses.filter(({ booked }) => booked !== null).map(({ purpose }) => purpose));
  expect([...purposes].sort()).toEqual([
    'audit-anchor',
    'certificate',
    'checkpoint',
    'entry-timestamp',
    'genesis-statement',
    'precertificate',
    'sct',
    'timestamp-token',
    'tree-head',
    'tuf-snapshot',
    'tuf-timestamp',
  ]);
  for (const { atMost, booked } of result.uses.filter(({ booked: rows }) => rows !== null)) {
    expect(Number(atMost)).toBeGreaterThan(0);
    expect(Number(booked)).toBeGreaterThan(0);
  }
});

test('an agent that dies leaves a range, and no finding', async () => {
  const before = agents();
  expect((await stamp()).status).toBe(200);
  await killAgents();
  for (let tries = 0; (await stamp()).status !== 200; tries++) expect(tries).toBeLessThan(50);
  expect(agents()).not.toEqual(before);
  const result = await reconcile();
  expect(result.findings).toBe(0);
  const tokens = result.uses.find(({ purpose }) => purpose === 'timestamp-token');
  expect(tokens?.verdict).toBe('explained');
  expect(tokens?.because).toMatch(/uncertain, from blocks that were open when an agent died/);
  const range = Number(tokens?.atMost) - Number(tokens?.atLeast);
  expect(range).toBeGreaterThan(0);
});

test('a signature that was made through the agent and booked by nobody is a finding', async () => {
  const before = (await reconcile()).uses.find(({ purpose }) => purpose === 'timestamp-token');
  const slack = Number(before?.booked) - Number(before?.atLeast);
  const facts = loadSettings(settings);
  const hsm = await Hsm.open({
    tokens: facts.hsm.tokens,
    runtimeDir: facts.runtimeDir,
    journalDir: journalDirectory(facts),
    mode: facts.mode,
  });
  try {
    const signer = await hsm.signer('pkcs11:token=airseal-online;object=tsa-leaf', 'timestamp-token');
    const attributes = element(
      TAG.SET,
      sequence(
        objectIdentifier('1.2.840.113549.1.9.3'),
        element(TAG.SET, objectIdentifier('1.2.840.113549.1.9.16.1.4')),
      ),
    );
    // More than what the deaths before leave open.
    await Promise.all(Array.from({ length: Math.max(0, slack) + 512 }, () => signer.sign(attributes)));
  } finally {
    await hsm.close();
  }
  const result = await reconcile(22);
  expect(found(result)).toMatchObject([{ purpose: 'timestamp-token', labels: ['tsa-leaf'] }]);
  expect(Number(found(result)[0]?.residual)).toBeGreaterThan(0);
  expect(found(result)[0]?.because).toMatch(/signatures were made that the book does not hold/);
});
