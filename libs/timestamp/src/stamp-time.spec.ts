import { describe, expect, test } from '@jest/globals';
import { nullValue, objectIdentifier, octetString, integer, sequence, readSequence } from '#core/der';
import { parsePublicKey, sha256 } from '#core/crypto';
import { parseTimestampRequest, SIGSTORE_POLICY } from '#core/timestamp';
import { Fault, isFault } from '#core/fault';
import { fromUtf8, toBase64, toHex } from '#core/octets';
import type { Signer } from '#hsm';
import { HeldClock } from '#platform';
import {
  GENESIS_MS,
  pseudoRandom,
  softwareCa,
  type SoftwareCa,
  softwarePki,
} from '../../../test/kit/software-pki.js';
import { StampTime, type StampTimePorts } from './stamp-time.js';
import { openedOnce, timestampAuthority } from './timestamp-authority.js';
import { ledgerFormat, TreeLedger } from './tree-ledger.js';

const pki = softwarePki();
const DAY_MS = 86_400_000;

function signerOf({ key }: SoftwareCa): Signer {
  return {
    uri: 'pkcs11:object=tsa-leaf',
    algorithm: key.algorithm,
    spki: key.spki,
    sign: async (message) => key.sign(message),
  };
}

function record(leaf: SoftwareCa, start: string, end?: string): Parameters<typeof timestampAuthority>[0] {
  return {
    key: {
      uri: 'pkcs11:object=tsa-leaf',
      token: 'online',
      algorithm: 'ecdsa-p256-sha256',
      spki: toBase64(leaf.key.spki),
    },
    chain: [leaf, pki.tsaIntermediate, pki.timeRoot].map(({ certificate }) => toBase64(certificate.der)),
    url: 'https://tsa.example/api/v1/timestamp',
    start,
    ...(end === undefined ? {} : { end }),
  };
}

const request = parseTimestampRequest(
  sequence(
    integer(1),
    sequence(
      sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), nullValue()),
      octetString(sha256(fromUtf8('signature'))),
    ),
    integer(99),
  ),
);

interface House {
  readonly stampTime: StampTime;
  readonly clock: HeldClock;
  readonly written: string[];
  readonly doubts: string[];
}

function house(ports: Partial<StampTimePorts> = {}): House {
  const clock = new HeldClock(GENESIS_MS + DAY_MS);
  const written: string[] = [];
  const doubts: string[] = [];
  const stampTime = new StampTime({
    authorities: [
      timestampAuthority(record(pki.tsaLeaf, '2026-11-21T10:00:00Z'), async () => signerOf(pki.tsaLeaf)),
    ],
    clock,
    clockTrust: { check: () => undefined },
    ledger: { record: async (response) => void written.push(toHex(response)) },
    random: (length) => pseudoRandom('serial').subarray(0, length),
    policies: [SIGSTORE_POLICY],
    clockDoubted: (reason) => doubts.push(reason),
    ...ports,
  });
  return { stampTime, clock, written, doubts };
}

async function refusal(act: Promise<unknown>): Promise<string> {
  try {
    await act;
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

function statusOf(response: Uint8Array): number {
  return readSequence(response, (members) => {
    const status = members.sequence().smallInteger();
    while (!members.atEnd) members.element();
    return status;
  });
}

describe('stamping', () => {
  test('answers a token that the ledger already holds', async () => {
    const { stampTime, written } = house();
    const response = await stampTime.execute(request);
    expect(statusOf(response)).toBe(0);
    expect(written).toEqual([toHex(response)]);
  });

  test('answers nothing that the ledger could not hold', async () => {
    const { stampTime } = house({
      ledger: { record: () => Promise.reject(new Fault('unavailable', 'tree/storage', 'no database')) },
    });
    expect(await refusal(stampTime.execute(request))).toBe('tree/storage');
  });

  test('answers timeNotAvailable without a token while the clock is doubted, and neither signs nor writes', async () => {
    let signatures = 0;
    const { stampTime, written, doubts } = house({
      clockTrust: {
        check: () => {
          throw new Fault('unavailable', 'clock/untrusted', 'the clock jumped');
        },
      },
      authorities: [
        timestampAuthority(record(pki.tsaLeaf, '2026-11-21T10:00:00Z'), async () => {
          signatures++;
          return signerOf(pki.tsaLeaf);
        }),
      ],
    });
    const response = await stampTime.execute(request);
    expect(statusOf(response)).toBe(2);
    expect(toHex(response)).toMatch(/0303000002$|0303010002$/);
    expect([signatures, written.length, doubts]).toEqual([0, 0, ['clock/untrusted']]);
  });

  test('dates no token before the one before it, also when the clock is moved back by less than anybody doubts', async () => {
    const { stampTime, clock } = house();
    const times: string[] = [];
    for (const move of [0, -1800, 1000, 900]) {
      clock.advance(move);
      // GeneralizedTime, with or without a fraction; the first one in a token is its genTime.
      const [, genTime = ''] =
        /18(?:0f|1[0-9a-f])((?:3\d){14})/.exec(toHex(await stampTime.execute(request))) ?? [];
      times.push(genTime);
    }
    expect(times[0]).toHaveLength(28);
    expect(times).toEqual([times[0], times[0], times[0], times[0]]);
  });

  test('refuses other policies before it looks at the clock', async () => {
    const { stampTime, doubts } = house();
    expect(await refusal(stampTime.execute({ ...request, policy: '1.2.3' }))).toBe('timestamp/policy');
    expect(doubts).toEqual([]);
  });

  test('uses the youngest authority in force, and none outside of its window or its certificates', async () => {
    const young = softwareCa('tsa-leaf', 'Young TSA', pki.tsaIntermediate);
    const authorities = [
      timestampAuthority(record(pki.tsaLeaf, '2026-11-21T10:00:00Z'), async () => signerOf(pki.tsaLeaf)),
      timestampAuthority(record(young, '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'), async () =>
        signerOf(young),
      ),
    ];
    const { stampTime, clock } = house({ authorities });
    const leaf = (): string => toHex(stampTime.chain()[0] ?? new Uint8Array());
    expect(leaf()).toBe(toHex(pki.tsaLeaf.certificate.der));
    clock.advance(15 * DAY_MS);
    expect(leaf()).toBe(toHex(young.certificate.der));
    clock.advance(30 * DAY_MS);
    expect(leaf()).toBe(toHex(pki.tsaLeaf.certificate.der));
    expect(stampTime.daysLeft()).toBeGreaterThan(1000);
    clock.advance(1095 * DAY_MS);
    expect(await refusal(stampTime.execute(request))).toBe('timestamp/none-in-force');
    expect(stampTime.daysLeft()).toBe(0);
  });

  test('refuses trust material whose key and certificate do not belong together', () => {
    const broken = { ...record(pki.tsaLeaf, '2026-11-21T10:00:00Z') };
    broken.key = { ...broken.key, spki: toBase64(pki.timeRoot.key.spki) };
    expect(() => timestampAuthority(broken, async () => signerOf(pki.tsaLeaf))).toThrow(
      'do not belong together',
    );
  });

  test('asks for a key again after the token was away', async () => {
    let asked = 0;
    const open = openedOnce(async () => {
      if (++asked === 1) throw new Fault('unavailable', 'hsm/gone', 'the token is away');
      return signerOf(pki.tsaLeaf);
    });
    expect(await refusal(open())).toBe('hsm/gone');
    await open();
    await open();
    expect(asked).toBe(2);
  });
});

describe('the ledger', () => {
  const origin = 'tsa.example/timestamps';
  const format = ledgerFormat(origin, pki.ctLog.spki, async () => ({
    uri: 'pkcs11:object=audit',
    algorithm: 'ecdsa-p256-sha256',
    spki: pki.ctLog.spki,
    sign: async (message) => pki.ctLog.sign(message),
    announce: () => Promise.resolve({ open: true }),
    adopt: () => Promise.resolve(),
  }));
  const head = { size: 3n, root: new Uint8Array(32).fill(1), timestampMs: 0n };

  test('signs checkpoints that read back as the head, under its own name and key', async () => {
    parsePublicKey(pki.ctLog.spki);
    const note = await format.sign(head);
    expect(note.split('\n').slice(0, 2)).toEqual([origin, '3']);
    format.verify(note, head);
    expect(() => format.verify(note, { ...head, size: 4n })).toThrow('names another head');
    const other = ledgerFormat('other.example/timestamps', pki.ctLog.spki, () =>
      Promise.reject(new Error('unused')),
    );
    expect(() => other.verify(note, head)).toThrow(Fault);
  });

  test('waits for the tree to commit', async () => {
    let commit: () => void = () => undefined;
    const committed = new Promise<void>((resolve) => (commit = resolve));
    const ledger = new TreeLedger({ sequence: () => committed });
    let recorded = false;
    const recording = ledger.record(Uint8Array.of(1)).then(() => (recorded = true));
    await Promise.resolve();
    expect(recorded).toBe(false);
    commit();
    await recording;
    expect(recorded).toBe(true);
  });
});
