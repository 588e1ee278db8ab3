import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parsePublicKey, verifySignature } from '#core/crypto';
import { badToken, type BadToken } from '../../../test/kit/interposer/bad-token.js';
import { Hsm } from './hsm.js';
import { trialMessage } from './purpose.js';
import type { Signer } from './signer.js';

const message = trialMessage('a checkpoint');
let runtimeDir: string;
let token: BadToken;
let hsm: Hsm;
let first: Signer;
let second: Signer;

beforeAll(async () => {
  runtimeDir = mkdtempSync(join(tmpdir(), 'hsm-'));
  token = await badToken('airseal-online');
  hsm = await Hsm.open({ tokens: { online: token.settings }, runtimeDir });
  const make = async (label: string): Promise<Signer> =>
    hsm.signer((await hsm.generate('online', { label, algorithm: 'ecdsa-p256-sha256' })).uri, 'trial');
  first = await make('first');
  second = await make('second');
});

afterEach(() => token.misbehave());

afterAll(async () => {
  await hsm.close();
  rmSync(runtimeDir, { recursive: true, force: true });
});

async function signs(signer: Signer): Promise<void> {
  verifySignature(parsePublicKey(signer.spki), message, await signer.sign(message));
}

/** Signs as soon as the token can, and answers how long that took. */
async function signsAgain(signer: Signer): Promise<number> {
  const begun = performance.now();
  for (;;) {
    try {
      await signs(signer);
      return performance.now() - begun;
    } catch (error) {
      if (performance.now() - begun > 10_000) throw error;
      await sleep(20);
    }
  }
}

test('a garbage signature is never returned', async () => {
  token.misbehave('garbage');
  const ends = await Promise.allSettled(Array.from({ length: 20 }, () => first.sign(message)));
  for (const end of ends)
    expect(end).toMatchObject({ status: 'rejected', reason: { kind: 'corrupt', code: 'hsm/garbage' } });
  token.misbehave();
  await signs(first);
});

test('a crash of the library refuses what was under way and is over with the next request', async () => {
  token.misbehave('crash');
  await expect(first.sign(message)).rejects.toMatchObject({ kind: 'unavailable', code: 'hsm/agent-lost' });
  token.misbehave();
  expect(await signsAgain(first)).toBeLessThan(3000);
});

test('a removed token is unavailable at once, and found again when it returns', async () => {
  token.misbehave('removed');
  await expect(first.sign(message)).rejects.toMatchObject({ kind: 'unavailable', code: 'hsm/token-absent' });
  const asked = performance.now();
  await expect(first.sign(message)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(performance.now() - asked).toBeLessThan(1000);
  await expect(hsm.probe('online')).rejects.toMatchObject({ kind: 'unavailable' });
  token.misbehave();
  expect(await signsAgain(first)).toBeLessThan(3000);
  await hsm.probe('online');
});

test('a token that forgets its sessions is opened again', async () => {
  token.misbehave('forgetful');
  await expect(first.sign(message)).rejects.toMatchObject({ kind: 'unavailable', code: 'hsm/session-lost' });
  token.misbehave();
  expect(await signsAgain(first)).toBeLessThan(3000);
});

test('a slow token signs for several at once and never blocks this process', async () => {
  token.misbehave('slow 70');
  let ticks = 0;
  const ticking = setInterval(() => (ticks += 1), 5);
  const begun = performance.now();
  await Promise.all(Array.from({ length: 16 }, () => signs(first)));
  const took = performance.now() - begun;
  clearInterval(ticking);
  expect(took).toBeGreaterThanOrEqual(140);
  // One after another would take 1120 ms.
  expect(took).toBeLessThan(800);
  expect(ticks).toBeGreaterThan(took / 20);
});

test('a key that is slow and busy does not hold up another key', async () => {
  token.misbehave('slow-key first 70');
  const crowd = Array.from({ length: 64 }, () => first.sign(message));
  const begun = performance.now();
  await signs(second);
  // Its turn comes with the next session that is free.
  expect(performance.now() - begun).toBeLessThan(300);
  await Promise.all(crowd);
});

test('a deadline ends waiting for a signature, not the token', async () => {
  const impatient = await Hsm.open({ tokens: { online: token.settings }, runtimeDir, deadlineMs: 200 });
  const signer = await impatient.signer(first.uri, 'trial');
  token.misbehave('slow 1000');
  await expect(signer.sign(message)).rejects.toMatchObject({ kind: 'unavailable', code: 'hsm/deadline' });
  token.misbehave();
  await signs(first);
  await impatient.close();
});
