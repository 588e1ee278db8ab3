/** The signing journal and the token's own record, on SoftHSM and across the deaths of agents. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sthSignedInput } from '#core/ct';
import { parsePublicKey, verifySignature } from '#core/crypto';
import { isFault } from '#core/fault';
import { emptyRoot } from '#core/merkle';
import { formatCheckpoint } from '#core/note';
import { fromUtf8, toHex } from '#core/octets';
import { badToken, type BadToken } from '../../../test/kit/interposer/bad-token.js';
import { Hsm, STH_ORIGIN, trialMessage, type Head, type HeadSigner } from './index.js';

const origin = 'log.test - 1193050959916656506';
const uri = 'pkcs11:token=airseal-online;object=log';
let place: string;
let token: BadToken;
const opened: Hsm[] = [];

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'jrn-'));
  token = await badToken('airseal-online');
  await (await host()).generate('online', { label: 'log', algorithm: 'ecdsa-p256-sha256' });
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((hsm) => hsm.close()));
  for (const name of readdirSync(place).filter((file) => file.startsWith('run'))) kill(name);
  rmSync(place, { recursive: true, force: true });
});

/** Programs of one host share its agent and its journal. */
async function host(name = 'one'): Promise<Hsm> {
  const runtimeDir = join(place, `run-${name}`);
  mkdirSync(runtimeDir, { recursive: true });
  const journalDir = join(place, `journal-${name}`);
  const hsm = await Hsm.open({ tokens: { online: token.settings }, runtimeDir, journalDir });
  opened.push(hsm);
  return hsm;
}

function agentOf(run: string): number {
  const lines = readFileSync(join(place, run, 'hsm-online.sock.log'), 'utf8')
    .trim()
    .split('\n');
  const told = lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { pid: number });
  const pid = told.at(-1)?.pid;
  // Number 0 would be everybody beside us.
  if (pid === undefined) throw new Error('no agent ever came up');
  return pid;
}

function kill(run: string): void {
  try {
    process.kill(agentOf(run), 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function head(size: number, seed = 0): Head {
  return {
    size: BigInt(size),
    root: size === 0 ? emptyRoot() : new Uint8Array(32).fill((size % 250) + seed),
  };
}

function text({ size, root }: Head): Uint8Array {
  return fromUtf8(formatCheckpoint({ origin, size, root }));
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
  return 'nothing was refused';
}

/** A log that has signed heads of 0 up to `size`. */
async function grown(size: number, name = 'one'): Promise<{ hsm: Hsm; signer: HeadSigner }> {
  const hsm = await host(name);
  const signer = await hsm.headSigner(uri, origin);
  expect(await signer.announce(head(0))).toMatchObject({ open: true });
  for (let at = 0; at <= size; at++) await signer.sign(text(head(at)));
  return { hsm, signer };
}

function journalFile(name = 'one'): string {
  const [key = ''] = readdirSync(join(place, `journal-${name}`, 'online'));
  const directory = join(place, `journal-${name}`, 'online', key);
  const [file = ''] = readdirSync(directory).filter((each) => each.endsWith('.journal'));
  return join(directory, file);
}

function journaledSizes(): string[] {
  return readFileSync(journalFile(), 'utf8')
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split('\t')[1] ?? '');
}

/** Ends the agent and resolves when another one answers. */
async function agentDies(hsm: Hsm): Promise<void> {
  kill('run-one');
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      await hsm.token('online');
      return;
    } catch (error) {
      if (!isFault(error)) throw error;
      await sleep(20);
    }
  }
}

describe('a log key', () => {
  test('signs heads that grow, the same one again, and nothing smaller or other', async () => {
    const { signer } = await grown(5);
    verifySignature(parsePublicKey(signer.spki), text(head(5)), await signer.sign(text(head(5))));
    expect(await refusal(signer.sign(text(head(4))))).toBe('hsm/head-outgrown');
    expect(await refusal(signer.sign(text(head(5, 1))))).toBe('hsm/forked');
    await signer.sign(text(head(6)));
    expect(journaledSizes()).toEqual(['0', '0', '1', '2', '3', '4', '5', '5', '6']);
    expect(statSync(journalFile()).mode & 0o777).toBe(0o600);
  });

  test('signs what its signer was opened for, and nothing else', async () => {
    const { hsm, signer } = await grown(1);
    for (const message of ['{"body":""}', `log\n02\n${'A'.repeat(43)}=\n`, ''])
      expect(await refusal(signer.sign(fromUtf8(message)))).toBe('hsm/purpose');
    await (await hsm.signer(uri, 'trial')).sign(trialMessage('of a log key'));
    for (const purpose of ['trial', 'entry-timestamp', 'transcript', 'empty-head'] as const) {
      const plain = await hsm.signer(uri, purpose);
      expect(await refusal(plain.sign(text(head(9))))).toBe('hsm/purpose');
      expect(await refusal(plain.sign(sthSignedInput(1n, 9n, head(9).root)))).toBe('hsm/purpose');
      expect(await refusal(plain.sign(fromUtf8(`log\n02\n${'A'.repeat(43)}=\n`)))).toBe('hsm/purpose');
    }
    await (await hsm.signer(uri, 'empty-head')).sign(text(head(0)));
  });

  test('signs only trees that the asking process has announced', async () => {
    const { signer } = await grown(1);
    const other = await (await host()).headSigner(uri, origin);
    expect(await refusal(other.sign(text(head(2))))).toBe('hsm/head-unannounced');
    expect(await other.announce(head(1))).toMatchObject({ open: true, journal: head(1) });
    await other.sign(text(head(2)));
    expect(await refusal(signer.sign(text(head(1))))).toBe('hsm/head-outgrown');
    const elsewhere = fromUtf8(formatCheckpoint({ origin: 'other', ...head(3) }));
    expect(await refusal(signer.sign(elsewhere))).toBe('hsm/head-unannounced');
  });

  test('keeps a certificate log by its tree heads', async () => {
    const signer = await (await host()).headSigner(uri, STH_ORIGIN);
    await signer.announce(head(0));
    await signer.sign(sthSignedInput(1n, 3n, head(3).root));
    await signer.sign(sthSignedInput(2n, 3n, head(3).root));
    expect(await refusal(signer.sign(sthSignedInput(3n, 2n, head(2).root)))).toBe('hsm/head-outgrown');
  });

  test('of an agent without journals signs for no tree with leaves', async () => {
    const runtimeDir = mkdtempSync(join(place, 'run-bare'));
    const bare = await Hsm.open({ tokens: { online: token.settings }, runtimeDir });
    opened.push(bare);
    const signer = await bare.headSigner(uri, origin);
    expect(await refusal(signer.announce(head(0)))).toBe('hsm/no-journal');
    expect(await signer.announce(head(3))).toEqual({ open: false });
    expect(await refusal(signer.adopt(head(3)))).toBe('hsm/no-journal');
  });
});

describe('after the death of an agent', () => {
  test('the next one asks for the head again, and knows what was signed', async () => {
    const { hsm, signer } = await grown(5);
    await agentDies(hsm);
    expect(await refusal(signer.sign(text(head(6))))).toBe('hsm/head-unannounced');
    expect(await signer.announce(head(4))).toMatchObject({ open: false, journal: head(5) });
    expect(await refusal(signer.sign(text(head(6))))).toBe('hsm/head-unannounced');
    expect(await signer.announce(head(5, 1))).toMatchObject({ open: false });
    expect(await signer.announce(head(5))).toMatchObject({ open: true });
    await signer.sign(text(head(6)));
  });

  test('inside C_Sign the line was durable before it', async () => {
    const { hsm, signer } = await grown(2);
    token.misbehave('crash');
    expect(await refusal(signer.sign(text(head(3))))).toBe('hsm/agent-lost');
    token.misbehave();
    expect(journaledSizes().at(-1)).toBe('3');
    await agentDies(hsm);
    expect(await signer.announce(head(2))).toMatchObject({ open: false });
    expect(await signer.announce(head(3))).toMatchObject({ open: true });
    await signer.sign(text(head(3)));
  });

  test('killed again and again under load, every signature that was given out is in the journal', async () => {
    const { hsm, signer } = await grown(0);
    let size = 0;
    const given: number[] = [];
    for (let round = 0; round < 6; round++) {
      const until = given.length + 5 + round * 3;
      const killer = (async () => {
        while (given.length < until) await sleep(1);
        kill('run-one');
      })();
      for (let died = false; !died;) {
        size += 1;
        try {
          await signer.sign(text(head(size)));
          given.push(size);
        } catch (error) {
          died = isFault(error) && error.kind === 'unavailable';
          if (!died) throw error;
        }
      }
      await killer;
      await agentDies(hsm);
      expect(await signer.announce(head(given.at(-1) ?? 0))).toBeDefined();
      expect(await signer.announce(head(size))).toMatchObject({ open: true });
    }
    const journaled = new Set(journaledSizes());
    expect(given.filter((one) => !journaled.has(String(one)))).toEqual([]);
  }, 60_000);

  test('an incomplete last line is put aside and cut off; anything else is damage', async () => {
    const { hsm, signer } = await grown(3);
    await sleep(100);
    kill('run-one');
    const file = journalFile();
    const whole = readFileSync(file);
    writeFileSync(file, Buffer.concat([whole, Buffer.from('2026-11-22T00:00:00.000Z\t4\tAAA')]));
    await agentDies(hsm);
    expect(await signer.announce(head(3))).toMatchObject({ open: true });
    await signer.sign(text(head(4)));
    expect(readdirSync(join(file, '..')).some((name) => name.includes('.torn-'))).toBe(true);

    kill('run-one');
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    bad.writeUInt8((bad[200] ?? 0) ^ 1, 200);
    writeFileSync(file, bad);
    await agentDies(hsm);
    expect(await refusal(signer.announce(head(9)))).toBe('hsm/journal-damaged');
    expect(await refusal(signer.sign(text(head(9))))).toBe('hsm/journal-damaged');

    kill('run-one');
    writeFileSync(file, good);
    truncateSync(file, good.indexOf(0x0a) + 1);
    await agentDies(hsm);
    expect(await refusal(signer.announce(head(9)))).toBe('hsm/journal-damaged');
  });
});

describe('the token', () => {
  test('keeps the newest head, and tells a host that has no journal', async () => {
    const { hsm } = await grown(5);
    await hsm.close();
    // The agent leaves, and writes the head on its way.
    process.kill(agentOf('run-one'), 'SIGTERM');
    await sleep(600);
    const other = await (await host('two')).headSigner(uri, origin);
    expect(await other.announce(head(4))).toEqual({ open: false, token: head(5) });
  });
});

describe('a host that has never signed', () => {
  test('begins with the empty tree, or where an operator says', async () => {
    const signer = await (await host()).headSigner(uri, origin);
    expect(await signer.announce(head(7))).toEqual({ open: false });
    expect(await refusal(signer.sign(text(head(7))))).toBe('hsm/head-unannounced');
    await signer.adopt(head(6));
    expect(await refusal(signer.adopt(head(6)))).toBe('hsm/journal-exists');
    expect(await signer.announce(head(5))).toMatchObject({ open: false });
    expect(await signer.announce(head(7))).toMatchObject({ open: true, journal: head(6) });
    await signer.sign(text(head(7)));
    expect(toHex(head(7).root)).toHaveLength(64);
  });
});
