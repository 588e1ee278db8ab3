/** What clients may do to the log: the same at once and everywhere, the same in other words, and too much of it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sha256 } from '#core/crypto';
import { isFault } from '#core/fault';
import { fromBase64, fromUtf8, toBase64, toHex } from '#core/octets';
import {
  checkEntry,
  openV1Log,
  openV2Log,
  readLookUps,
  type EntryChecker,
  type V1Log,
  type V2Log,
} from '#log';
import { freshTrees, noteFormat, type FreshTrees } from '../../kit/fresh-trees.js';
import { asSuperuser } from '../../kit/kit.js';
import { hashedRekordV1, signerPem } from '../../kit/signed-artifact.js';
import { materialOf, SoftwareHsm } from '../../kit/software-hsm.js';
import { softwareSigner } from '../../kit/software-signer.js';
import { eventually } from './scene.js';

const checker: EntryChecker = {
  check: async (face, body) => checkEntry(face, body),
  lookUps: async (body) => readLookUps(body),
  close: async () => undefined,
};
const hsm = new SoftwareHsm();
const material = materialOf(hsm);
const HOST = 'v2.log.test';
const never = new AbortController().signal;

let world: FreshTrees;
let replicas: { v1: V1Log; v2: V2Log }[];

beforeAll(async () => {
  world = await freshTrees();
  replicas = [];
  for (let at = 0; at < 3; at++) {
    const parts = { ...(await world.replica()), hsm, material, checker };
    replicas.push({ v1: await openV1Log(parts), v2: await openV2Log(parts) });
  }
});
afterAll(() => world.drop());

function replica(at: number): { v1: V1Log; v2: V2Log } {
  const found = replicas[at % replicas.length];
  if (found === undefined) throw new Error('no replica');
  return found;
}

const leaves = () => asSuperuser(world.database, 'SELECT count(*) FROM log_leaf');

/** `made`, or the code and detail of the fault. */
async function endOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'made';
  } catch (error) {
    if (!isFault(error)) throw error;
    return `${error.code} ${JSON.stringify(error.detail)}`;
  }
}

const body = (request: object) => fromUtf8(JSON.stringify(request));
const toV1 = (at: number, request: object) => endOf(replica(at).v1.append(body(request)));
const toV2 = (at: number, request: object) => endOf(replica(at).v2.shard(HOST).append(body(request), never));

interface RequestV1 {
  readonly spec: {
    readonly data: { readonly hash: { readonly algorithm: string; readonly value: string } };
    readonly signature: { readonly content: string; readonly publicKey: { readonly content: string } };
  };
}

/** The same signature over the same artifact, as a client of the other face sends it. */
function asV2({ spec }: RequestV1): object {
  const pem = Buffer.from(signerPem, 'base64').toString();
  const rawBytes = pem.replaceAll(/-----[^-]+-----|\s/g, '');
  return {
    hashedRekordRequestV002: {
      digest: toBase64(Buffer.from(spec.data.hash.value, 'hex')),
      signature: {
        content: spec.signature.content,
        verifier: { publicKey: { rawBytes }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
      },
    },
  };
}

function changed(request: RequestV1, signature: Partial<RequestV1['spec']['signature']>): object {
  return { ...request, spec: { ...request.spec, signature: { ...request.spec.signature, ...signature } } };
}

describe('one entry', () => {
  test.each([
    ['v1', toV1],
    ['v2', toV2],
  ] as const)(
    'case 35: sent 1,000 times at once to three replicas of %s has one place; all others hear which',
    async (face, send) => {
      const before = Number(await leaves());
      const signed = hashedRekordV1(`thousand ${face}`);
      const request = face === 'v1' ? signed : asV2(signed);
      const ends = await Promise.all(Array.from({ length: 1000 }, (_, at) => send(at, request)));
      expect(ends.filter((end) => end === 'made')).toHaveLength(1);
      const others = new Set(ends.filter((end) => end !== 'made'));
      expect(others.size).toBe(1);
      expect([...others][0]).toMatch(/^log\/duplicate \{"(entryId|index)":"[0-9a-f]+"\}$/);
      expect(Number(await leaves())).toBe(before + 1);
    },
  );

  test('case 36: through both faces is an entry of each tree, and a duplicate in each', async () => {
    const request = hashedRekordV1('both faces');
    expect(await toV1(0, request)).toBe('made');
    expect(await toV2(1, asV2(request))).toBe('made');
    expect(await toV1(2, request)).toMatch(/^log\/duplicate/);
    expect(await toV2(0, asV2(request))).toMatch(/^log\/duplicate/);
  });
});

/** The parts of an ECDSA signature, DER. */
function readDer(signature: Uint8Array): [bigint, bigint] {
  const at = 4 + (signature[3] ?? 0);
  const number = (octets: Uint8Array) => BigInt(`0x${toHex(octets)}`);
  return [number(signature.subarray(4, at)), number(signature.subarray(at + 2))];
}

function writeDer(r: bigint, s: bigint, padding = 0): Uint8Array {
  const integer = (value: bigint): Uint8Array => {
    const hex = value.toString(16);
    const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
    const sign = (octets[0] ?? 0) > 0x7f ? 1 : 0;
    const whole = Buffer.concat([Buffer.alloc(padding + sign), octets]);
    return Buffer.concat([Buffer.from([2, whole.length]), whole]);
  };
  const parts = Buffer.concat([integer(r), integer(s)]);
  return Buffer.concat([Buffer.from([0x30, parts.length]), parts]);
}

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

describe('case 37: one signature in other words', () => {
  test('s and n−s are two signatures that both hold: two entries, as for every other log', async () => {
    const request = hashedRekordV1('malleable');
    const [r, s] = readDer(fromBase64(request.spec.signature.content));
    const other = changed(request, { content: toBase64(writeDer(r, ORDER - s)) });
    expect(await toV1(0, request)).toBe('made');
    expect(await toV1(1, other)).toBe('made');
    expect(await toV1(2, other)).toMatch(/^log\/duplicate/);
    expect(await toV2(0, asV2(request))).toBe('made');
    expect(await toV2(1, asV2(other as RequestV1))).toBe('made');
  });

  test('an integer that is longer than it need be is no signature', async () => {
    const request = hashedRekordV1('padded');
    const [r, s] = readDer(fromBase64(request.spec.signature.content));
    const padded = changed(request, { content: toBase64(writeDer(r, s, 1)) });
    expect(await toV1(0, padded)).toMatch(/^entry\//);
    expect(await toV2(0, asV2(padded as RequestV1))).toMatch(/^entry\//);
    expect(await toV1(1, request)).toBe('made');
  });

  test('white space about the same key makes no other entry of v1', async () => {
    const request = hashedRekordV1('white space');
    const pem = Buffer.from(request.spec.signature.publicKey.content, 'base64').toString();
    expect(await toV1(0, request)).toBe('made');
    const content = Buffer.from(`\n\n${pem.replaceAll('\n', '\r\n')}\n`).toString('base64');
    expect(await toV1(1, changed(request, { publicKey: { content } }))).toMatch(/^log\/duplicate/);
  });
});

describe('a tile', () => {
  test('case 38: beyond the published size is not there; it is as soon as it is published, and stays as it is', async () => {
    const { tree } = replica(0).v2.shard(HOST);
    await eventually(() => replicas.every(({ v2 }) => v2.shard(HOST).tree.size === tree.size));
    const width = Number(tree.size);
    expect(await tree.tile(0, 0n, width + 1)).toBeUndefined();
    expect(await tree.bundle(0n, width + 1)).toBeUndefined();
    const before = await tree.tile(0, 0n, width);
    expect(await toV2(1, asV2(hashedRekordV1('one more')))).toBe('made');
    await eventually(() => tree.size === BigInt(width + 1));
    const after = await tree.tile(0, 0n, width + 1);
    expect(after?.subarray(0, width * 32)).toEqual(before);
    expect(await tree.tile(0, 0n, width)).toEqual(before);
    expect(await tree.bundle(0n, width + 1)).toBeDefined();
  });
});

describe('too much', () => {
  test('case 41: twice of what it can take is turned away with a hint; what is taken is answered, and memory stays', async () => {
    const { trees } = await world.replica();
    const format = noteFormat('busy.test', softwareSigner('busy', 20));
    const tree = await trees.open({ name: 'test/busy', origin: 'busy.test', format, maxWaiting: 256 });
    let [refused, answered, sent, underWay, most] = [0, 0, 0, 0, 0];
    const ask = async (): Promise<void> => {
      most = Math.max(most, ++underWay);
      try {
        await tree.append({ body: sha256(fromUtf8(`busy ${sent++}`)), kind: 'test/1' });
        answered++;
      } catch (error) {
        expect(error).toMatchObject({ code: 'tree/overloaded', kind: 'unavailable', retryAfterSeconds: 1 });
        refused++;
      } finally {
        underWay--;
      }
    };
    // Open loop: they come whether or not the others were answered.
    const under: Promise<void>[] = [];
    const heap: number[] = [];
    for (let burst = 0; burst < 40; burst++) {
      for (let one = 0; one < 512; one++) under.push(ask());
      await new Promise((wake) => setTimeout(wake, 25));
      heap.push(process.memoryUsage().heapUsed);
    }
    await Promise.all(under);
    expect(answered + refused).toBe(40 * 512);
    // As many at the least: a machine that is fast enough empties the queue between two bursts.
    expect(refused).toBeGreaterThanOrEqual(answered);
    expect(tree.size).toBe(BigInt(answered));
    // Who is let in waits for those before it, and those are few: nobody waits for all that came.
    expect(most).toBeLessThan(512 + 4096);
    const [early, late] = [Math.min(...heap.slice(0, 10)), Math.min(...heap.slice(-10))];
    expect(late - early).toBeLessThan(64 * 1024 * 1024);
  });
});
