/** Counts of key uses, on SoftHSM and across the deaths of agents. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '#core/crypto';
import { isFault } from '#core/fault';
import { toHex } from '#core/octets';
import { badToken, type BadToken } from '../../../test/kit/interposer/bad-token.js';
import { Hsm, trialMessage, type KeyUses, type Signer } from './index.js';

let place: string;
let token: BadToken;
const opened: Hsm[] = [];

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'uses-'));
  mkdirSync(join(place, 'run'));
  token = await badToken('airseal-online');
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((hsm) => hsm.close()));
  signal('SIGKILL');
  rmSync(place, { recursive: true, force: true });
});

async function host(): Promise<Hsm> {
  const [runtimeDir, journalDir] = [join(place, 'run'), join(place, 'journal')];
  const hsm = await Hsm.open({ tokens: { online: token.settings }, runtimeDir, journalDir });
  opened.push(hsm);
  return hsm;
}

async function newKey(hsm: Hsm, label = 'one'): Promise<Signer> {
  const { uri } = await hsm.generate('online', { label, algorithm: 'ecdsa-p256-sha256' });
  return hsm.signer(uri, 'trial');
}

function agents(): number[] {
  try {
    const lines = readFileSync(join(place, 'run', 'hsm-online.sock.log'), 'utf8')
      .trim()
      .split('\n');
    return lines
      .filter((line) => line.startsWith('{'))
      .map((line) => (JSON.parse(line) as { pid: number }).pid);
  } catch {
    return [];
  }
}

function signal(name: 'SIGKILL' | 'SIGTERM'): void {
  const agent = agents().at(-1);
  // Number 0 would be everybody beside us.
  if (agent === undefined) return;
  try {
    process.kill(agent, name);
  } catch {
    // It has ended by itself.
  }
}

/** Ends the agent with `name` and resolves when another one answers. */
async function reborn(hsm: Hsm, name: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const before = agents().at(-1);
  signal(name);
  for (let attempt = 0; attempt < 500; attempt++) {
    await hsm.token('online').catch(() => undefined);
    if (agents().at(-1) !== before) return;
    await sleep(20);
  }
  throw new Error('no other agent came');
}

async function usesOf(hsm: Hsm, signer: Signer): Promise<KeyUses | undefined> {
  const { uses } = await hsm.uses('online');
  return uses.find(({ key }) => key === toHex(sha256(signer.spki)));
}

const usesFile = (): string => join(place, 'journal', 'online', 'uses');
const message = trialMessage('spec');

describe('the agent', () => {
  test('counts each use by key and purpose, and leaves exact figures', async () => {
    const hsm = await host();
    const [one, two] = [await newKey(hsm), await newKey(hsm, 'two')];
    // Making a key proves it by one signature.
    await Promise.all(Array.from({ length: 600 }, () => one.sign(message)));
    for (let at = 0; at < 3; at++) await two.sign(message);
    const expected = { label: 'one', purpose: 'trial', counted: 601n, uncertain: 0n, failed: 0n };
    expect(await usesOf(hsm, one)).toMatchObject(expected);
    expect(await usesOf(hsm, two)).toMatchObject({ label: 'two', counted: 4n });
    await reborn(hsm, 'SIGTERM');
    expect(await usesOf(hsm, one)).toMatchObject(expected);
    expect(statSync(usesFile()).mode & 0o777).toBe(0o600);
    expect((await hsm.uses('online')).breaks).toEqual([]);
  });

  test('counts nothing that was refused before the token was asked, and nothing that leaves no trace', async () => {
    const hsm = await host();
    const signer = await newKey(hsm);
    await expect(signer.sign(new Uint8Array(50))).rejects.toMatchObject({ code: 'hsm/purpose' });
    await hsm.doctor('online');
    const { uses } = await hsm.uses('online');
    expect(uses.map(({ label, counted }) => [label, counted <= 257n])).toEqual([['one', true]]);
  });

  test('counts what the token failed at, as failed', async () => {
    const hsm = await host();
    const signer = await newKey(hsm);
    token.misbehave('garbage');
    await expect(signer.sign(message)).rejects.toMatchObject({ code: 'hsm/garbage' });
    expect(await usesOf(hsm, signer)).toMatchObject({ counted: 2n, failed: 1n });
  });

  test('killed again and again under load, never counts less than it gave out, and a block more for each death', async () => {
    const hsm = await host();
    const signer = await newKey(hsm);
    let given = 1;
    let asked = 1;
    for (let death = 1; death <= 5; death++) {
      const until = given + 40 + death * 57;
      let dead = false;
      const worker = async (): Promise<void> => {
        while (!dead) {
          asked += 1;
          try {
            await signer.sign(message);
            given += 1;
          } catch (error) {
            if (!isFault(error) || error.kind !== 'unavailable') throw error;
            dead = true;
          }
        }
      };
      const killing = (async () => {
        while (given < until) await sleep(1);
        await reborn(hsm, 'SIGKILL');
      })();
      await Promise.all([worker(), worker(), worker(), worker(), killing]);
      const { block } = await hsm.uses('online');
      const { counted = 0n, uncertain = 0n } = (await usesOf(hsm, signer)) ?? {};
      expect(counted).toBeGreaterThanOrEqual(BigInt(given));
      expect(counted).toBeLessThanOrEqual(BigInt(asked + death * block));
      expect(counted - uncertain).toBeLessThanOrEqual(BigInt(asked));
      expect(uncertain).toBeLessThanOrEqual(BigInt(death * block));
    }
  }, 60_000);
});

describe('the file of the counts', () => {
  test('is not signed over when it is damaged, and is begun anew when it was moved away, with a break', async () => {
    const hsm = await host();
    const signer = await newKey(hsm);
    await signer.sign(message);
    await reborn(hsm, 'SIGTERM');
    const good = readFileSync(usesFile());
    const bad = Buffer.from(good);
    bad.writeUInt8((bad[30] ?? 0) ^ 1, 30);
    signal('SIGKILL');
    writeFileSync(usesFile(), bad);
    await reborn(hsm, 'SIGKILL');
    await expect(signer.sign(message)).rejects.toMatchObject({ kind: 'corrupt', code: 'hsm/counts-damaged' });
    await expect(hsm.uses('online')).rejects.toMatchObject({ code: 'hsm/counts-damaged' });
    rmSync(usesFile());
    await signer.sign(message);
    const { breaks } = await hsm.uses('online');
    expect(breaks.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^lost: .* the token remembers/),
    ]);
  });

  test('that was taken back is noticed: the token remembers more', async () => {
    const hsm = await host();
    const signer = await newKey(hsm);
    await reborn(hsm, 'SIGTERM');
    const yesterday = readFileSync(usesFile());
    for (let at = 0; at < 9; at++) await signer.sign(message);
    await reborn(hsm, 'SIGTERM');
    signal('SIGKILL');
    writeFileSync(usesFile(), yesterday);
    await reborn(hsm, 'SIGKILL');
    expect(await usesOf(hsm, signer)).toMatchObject({ counted: 10n });
    const { breaks } = await hsm.uses('online');
    expect(breaks.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^taken-back: .* said 1 .* 10$/),
    ]);
  });

  test('that cannot be written stops signatures when its block is used up, and they go on by themselves', async () => {
    const hsm = await host();
    const signer = await newKey(hsm);
    signal('SIGKILL');
    // A directory in the place of the file that is written aside: no way to write, for root either.
    mkdirSync(`${usesFile()}.new/held`, { recursive: true });
    await reborn(hsm, 'SIGKILL');
    await expect(signer.sign(message)).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'hsm/counts-write',
    });
    rmSync(`${usesFile()}.new`, { recursive: true });
    await signer.sign(message);
  });
});
