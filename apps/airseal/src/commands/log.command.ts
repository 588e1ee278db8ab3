/**
 * `airseal log checkpoint | entry | proof`: reads the log and believes nothing it says.
 *
 * Keys and origins come from the trusted root; whatever the server answers is verified against them before
 * it is printed.
 */
import type { TransparencyLogInstance } from '@sigstore/protobuf-specs';
import { z } from 'zod';
import { parsePublicKey, verifySignature } from '#core/crypto';
import { Fault } from '#core/fault';
import { canonicalJson } from '#core/json';
import { leafHash, verifyConsistency, verifyInclusion, type TreeHead } from '#core/merkle';
import { logVerifier, logVerifierV1, parseCheckpoint, parseNote, verifyNote } from '#core/note';
import { equalOctets, fromBase64, fromHex, fromUtf8, toBase64 } from '#core/octets';
import { trustAuthorities } from '../tls-authorities.js';
import { print } from '../output.js';
import { caFilePath, flag, trustedRootPath } from '../places.js';
import { readAnswer } from '../read-answer.js';
import { trustedRootIn } from '../trusted-root-file.js';
import type { Flags } from '../verb.js';

/** The v1 log is the one that opens the list; v2 shards stand on hosts of their own behind it. */
function logOf(flags: Flags, api: string): TransparencyLogInstance {
  const { tlogs } = trustedRootIn(trustedRootPath(flags));
  const log = api === 'v1' ? tlogs[0] : api === 'v2' ? tlogs.at(-1) : undefined;
  if (log?.publicKey?.rawBytes === undefined) {
    throw new Fault(
      'absent',
      'cli/no-such-log',
      `the trusted root names no log for --api ${api}; use v1 or v2`,
    );
  }
  return log;
}

/** @throws {Fault} cli/log-unreachable, cli/log-no-entry, cli/log-refused */
export async function get(flags: Flags, url: string): Promise<string> {
  const caFile = caFilePath(flags);
  if (caFile !== undefined) trustAuthorities(caFile);
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url);
    text = await answer.text();
  } catch (cause) {
    throw new Fault(
      'unavailable',
      'cli/log-unreachable',
      `cannot reach ${url}; is the log up, and its TLS authority known (--ca-file)?`,
      { cause },
    );
  }
  if (answer.status === 404) throw new Fault('absent', 'cli/log-no-entry', 'the log holds no such entry');
  if (!answer.ok)
    throw new Fault('unavailable', 'cli/log-refused', `the log answered ${answer.status} to ${url}`);
  return text;
}

interface VerifiedHead extends TreeHead {
  readonly origin: string;
  readonly note: string;
}

/** @throws {Fault} note/… unless the trusted root's key signed this checkpoint under the log's own host */
function verifyHead(log: TransparencyLogInstance, text: string, api: string): VerifiedHead {
  const key = parsePublicKey(new Uint8Array(log.publicKey?.rawBytes ?? []));
  const host = new URL(log.baseUrl).hostname;
  const note = parseNote(fromUtf8(text));
  verifyNote(note, [api === 'v1' ? logVerifierV1(host, key) : logVerifier(host, key)]);
  const { origin, size, root } = parseCheckpoint(note.text);
  return { origin, size, root, note: text };
}

const LogInfo = z.object({ signedTreeHead: z.string(), treeID: z.string().regex(/^\d+$/) });

async function logInfo(flags: Flags, { baseUrl }: TransparencyLogInstance): Promise<z.infer<typeof LogInfo>> {
  const url = `${baseUrl}/api/v1/log`;
  return readAnswer(LogInfo, url, await get(flags, url));
}

export async function showCheckpoint(_operands: string[], flags: Flags): Promise<void> {
  const api = flag(flags, 'api') ?? 'v1';
  const log = logOf(flags, api);
  const text =
    api === 'v1'
      ? (await logInfo(flags, log)).signedTreeHead
      : await get(flags, `${log.baseUrl}/api/v2/checkpoint`);
  const head = verifyHead(log, text, api);
  print(
    flags,
    { origin: head.origin, size: head.size.toString(), rootHash: toBase64(head.root), note: head.note },
    [head.note.trimEnd(), '', `verified with the key of ${log.baseUrl} in the trusted root`],
  );
}

const Entry = z.object({
  body: z.string(),
  /** Seconds; what a Date can hold. */
  integratedTime: z.int().min(0).max(8_640_000_000_000),
  logID: z.string(),
  logIndex: z.int().min(0),
  verification: z.object({
    signedEntryTimestamp: z.string(),
    inclusionProof: z.object({
      hashes: z.array(z.string()),
      logIndex: z.int().min(0),
      checkpoint: z.string(),
    }),
  }),
});
const Entries = z.record(z.string(), Entry);
const Leaf = z.looseObject({ kind: z.string(), apiVersion: z.string() });

export async function showEntry([id = '']: string[], flags: Flags): Promise<void> {
  const log = logOf(flags, 'v1');
  const path = /^\d{1,19}$/.test(id) ? `?logIndex=${id}` : `/${id}`;
  if (!/^(\?logIndex=\d+|\/([0-9a-f]{64}|[0-9a-f]{80}))$/.test(path)) {
    throw new Fault(
      'malformed',
      'cli/entry-id',
      'name an entry by its index, or by a UUID of 64 or 80 hexadecimal digits',
    );
  }
  const url = `${log.baseUrl}/api/v1/log/entries${path}`;
  const answer = readAnswer(Entries, url, await get(flags, url));
  const [[uuid, entry] = []] = Object.entries(answer);
  if (uuid === undefined || entry === undefined)
    throw new Fault('absent', 'cli/log-no-entry', 'the log holds no such entry');

  const body = fromBase64(entry.body);
  const leaf = leafHash(body);
  const { inclusionProof, signedEntryTimestamp } = entry.verification;
  const head = verifyHead(log, inclusionProof.checkpoint, 'v1');
  verifyInclusion(leaf, BigInt(inclusionProof.logIndex), inclusionProof.hashes.map(fromHex), head);
  const asked = /^\d{1,19}$/.test(id)
    ? BigInt(entry.logIndex) === BigInt(id)
    : equalOctets(leaf, fromHex(id.slice(-64)));
  if (!asked || !equalOctets(leaf, fromHex(uuid.slice(-64)))) {
    throw new Fault(
      'unverified',
      'cli/other-entry',
      'the log answered with another entry than the one asked for',
    );
  }
  const promise = {
    body: entry.body,
    integratedTime: entry.integratedTime,
    logID: entry.logID,
    logIndex: entry.logIndex,
  };
  verifySignature(
    parsePublicKey(new Uint8Array(log.publicKey?.rawBytes ?? [])),
    canonicalJson(promise),
    fromBase64(signedEntryTimestamp),
  );

  const decoded = readAnswer(Leaf, url, body);
  const at = new Date(entry.integratedTime * 1000).toISOString();
  print(
    flags,
    {
      uuid,
      logIndex: entry.logIndex,
      integratedTime: at,
      kind: decoded.kind,
      version: decoded.apiVersion,
      treeSize: head.size.toString(),
      body: entry.body,
    },
    [
      `entry ${entry.logIndex}: ${decoded.kind} ${decoded.apiVersion}, integrated ${at}`,
      `uuid ${uuid}`,
      `inclusion verified in the tree of ${head.size} (${head.origin}); promise verified`,
      JSON.stringify(decoded, null, 2),
    ],
  );
}

const Proof = z.object({ rootHash: z.string(), hashes: z.array(z.string()) });

export async function showProof([first = '', second = '']: string[], flags: Flags): Promise<void> {
  if (!/^[1-9]\d{0,18}$/.test(first) || !/^[1-9]\d{0,18}$/.test(second)) {
    throw new Fault('malformed', 'cli/tree-size', 'name two tree sizes, the older first');
  }
  const log = logOf(flags, 'v1');
  const info = await logInfo(flags, log);
  const newest = verifyHead(log, info.signedTreeHead, 'v1');
  const proofBetween = async (from: string, to: string): Promise<z.infer<typeof Proof>> => {
    const url = `${log.baseUrl}/api/v1/log/proof?firstSize=${from}&lastSize=${to}&treeID=${info.treeID}`;
    return readAnswer(Proof, url, await get(flags, url));
  };

  // Both roots come from the server alone, so the younger is tied to the signed head, and the older to it.
  const older = await proofBetween('1', first);
  const between = await proofBetween(first, second);
  const toNewest = await proofBetween(second, newest.size.toString());
  const firstHead = { size: BigInt(first), root: fromHex(older.rootHash) };
  const secondHead = { size: BigInt(second), root: fromHex(between.rootHash) };
  verifyConsistency(secondHead, newest, toNewest.hashes.map(fromHex));
  verifyConsistency(firstHead, secondHead, between.hashes.map(fromHex));
  const { hashes } = between;
  print(flags, { first, second, rootHash: between.rootHash, hashes, signedSize: newest.size.toString() }, [
    `root at ${second}: ${between.rootHash}`,
    ...hashes.map((hash) => `  ${hash}`),
    `the tree of ${first} is a prefix of the tree of ${second}, which the signed checkpoint at ${newest.size} covers`,
  ]);
}
