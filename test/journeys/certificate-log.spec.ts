/** CONTRACTS §2 on the wire: the read API of the certificate log agrees with itself, its key and what was issued. */
import { describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { verifyConsistency } from '#core/merkle';
import { loggedTbs, parseCertificate } from '#core/x509';
import { installation } from '../kit/index.js';
import { hashLeaf, rootFromProof, treeRoot } from './merkle.js';
import { certified, sha256 } from './signer.js';
import { ctKey, signed, trustedRoot } from './trust.js';
import { ask } from './wire.js';

const { origin } = installation();
const base = new URL(ctKey().baseUrl).pathname;

interface Sth {
  readonly tree_size: number;
  readonly timestamp: number;
  readonly sha256_root_hash: string;
  readonly tree_head_signature: string;
}

interface LoggedEntry {
  readonly leaf_input: string;
  readonly extra_data: string;
}

async function get<T>(path: string): Promise<T> {
  const answer = await ask(origin, { path: `${base}/ct/v1/${path}` });
  expect([path, answer.statusLine]).toEqual([path, 'HTTP/1.1 200 OK']);
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.headers['content-length']).toBe(String(answer.body.length));
  return JSON.parse(answer.text) as T;
}

async function head(): Promise<Sth> {
  const sth = await get<Sth>('get-sth');
  const numbers = Buffer.alloc(18);
  numbers.writeUInt8(1, 1);
  numbers.writeBigUInt64BE(BigInt(sth.timestamp), 2);
  numbers.writeBigUInt64BE(BigInt(sth.tree_size), 10);
  const signature = Buffer.from(sth.tree_head_signature, 'base64');
  expect([...signature.subarray(0, 2)]).toEqual([4, 3]);
  expect(signature.readUInt16BE(2)).toBe(signature.length - 4);
  const message = Buffer.concat([numbers, Buffer.from(sth.sha256_root_hash, 'base64')]);
  expect(signed(ctKey(), message, signature.subarray(4))).toBe(true);
  return sth;
}

/** The head once it covers more than `size` entries: a promise is given before its entry is in a signed tree. */
async function headBeyond(size: number): Promise<Sth> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const sth = await head();
    if (sth.tree_size > size) return sth;
    if (Date.now() > deadline) throw new Error('the tree did not grow within five seconds');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function entries(size: number): Promise<LoggedEntry[]> {
  const all: LoggedEntry[] = [];
  while (all.length < size) {
    const { entries: more } = await get<{ entries: LoggedEntry[] }>(
      `get-entries?start=${all.length}&end=${size - 1}`,
    );
    expect(more.length).toBeGreaterThan(0);
    all.push(...more);
  }
  return all;
}

describe('the certificate log', () => {
  test('is named by the hash of its key and trusts the root of the authority alone', async () => {
    expect(ctKey().logId).toEqual(sha256(ctKey().spki));
    const [authority] = trustedRoot().certificateAuthorities;
    const root = authority?.certChain.certificates.at(-1)?.rawBytes;
    expect(await get('get-roots')).toEqual({ certificates: [root] });
  });

  test('gives entries whose hashes lead to the signed root, and a proof for each', async () => {
    const { tree_size: before } = await head();
    await certified();
    const sth = await headBeyond(before);
    const root = Buffer.from(sth.sha256_root_hash, 'base64');
    const leaves = (await entries(sth.tree_size)).map(({ leaf_input: input }) =>
      hashLeaf(Buffer.from(input, 'base64')),
    );
    expect(treeRoot(leaves)).toEqual(root);
    for (const index of new Set([0, leaves.length >> 1, leaves.length - 1])) {
      const leaf = leaves[index] ?? Buffer.alloc(0);
      const hash = encodeURIComponent(leaf.toString('base64'));
      const proof = await get<{ leaf_index: number; audit_path: string[] }>(
        `get-proof-by-hash?hash=${hash}&tree_size=${sth.tree_size}`,
      );
      expect(proof.leaf_index).toBe(index);
      const both = await get<LoggedEntry & { audit_path: string[] }>(
        `get-entry-and-proof?leaf_index=${index}&tree_size=${sth.tree_size}`,
      );
      expect(both.audit_path).toEqual(proof.audit_path);
      expect(hashLeaf(Buffer.from(both.leaf_input, 'base64'))).toEqual(leaf);
      const path = proof.audit_path.map((step) => Buffer.from(step, 'base64'));
      expect(rootFromProof(leaf, index, sth.tree_size, path)).toEqual(root);
    }
  });

  test('holds each certificate that was issued, under the key that issued it', async () => {
    const { tree_size: before } = await head();
    const { leaf, chain } = await certified();
    const { tree_size: size } = await headBeyond(before);
    const last = (await entries(size)).at(-1);
    const input = Buffer.from(last?.leaf_input ?? '', 'base64');
    const issuer = new X509Certificate(chain[1] ?? '').publicKey.export({ type: 'spki', format: 'der' });
    // Version, leaf type, time; precertificate; the issuer's key; the TBS in three octets of length; no extensions.
    expect([...input.subarray(0, 2)]).toEqual([0, 0]);
    expect(input.readUInt16BE(10)).toBe(1);
    expect(input.subarray(12, 44)).toEqual(sha256(issuer));
    const length = input.readUIntBE(44, 3);
    const tbs = input.subarray(47, 47 + length);
    expect(tbs).toEqual(Buffer.from(loggedTbs(parseCertificate(new Uint8Array(leaf.raw)).tbs)));
    expect([...input.subarray(47 + length)]).toEqual([0, 0]);

    const extra = Buffer.from(last?.extra_data ?? '', 'base64');
    const precertificate = extra.subarray(3, 3 + extra.readUIntBE(0, 3));
    const poison = parseCertificate(new Uint8Array(precertificate)).extensions.at(-1);
    expect([poison?.oid, poison?.critical, Buffer.from(poison?.value ?? []).toString('hex')]).toEqual([
      '1.3.6.1.4.1.11129.2.4.3',
      true,
      '0500',
    ]);
    expect(new X509Certificate(precertificate).verify(new X509Certificate(chain[1] ?? '').publicKey)).toBe(
      true,
    );
  });

  test('proves that it only grew', async () => {
    const before = await head();
    await certified();
    const after = await headBeyond(before.tree_size);
    const { consistency } = await get<{ consistency: string[] }>(
      `get-sth-consistency?first=${before.tree_size}&second=${after.tree_size}`,
    );
    const treeHead = (sth: Sth) => ({
      size: BigInt(sth.tree_size),
      root: new Uint8Array(Buffer.from(sth.sha256_root_hash, 'base64')),
    });
    verifyConsistency(
      treeHead(before),
      treeHead(after),
      consistency.map((hash) => new Uint8Array(Buffer.from(hash, 'base64'))),
    );
  });
});
