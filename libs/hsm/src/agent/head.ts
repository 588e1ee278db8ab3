/**
 * What a message says about a tree, if it is one that a verifier would take for the head of a log: the text of
 * a checkpoint (C2SP tlog-checkpoint, both spellings of the origin) or the input of a signed tree head
 * (RFC 6962 §3.5). Nothing else that our keys sign reads like either: promises begin with another octet,
 * certificates and timestamps are DER, entry timestamps are JSON.
 */
import { isFault } from '#core/fault';
import { emptyRoot } from '#core/merkle';
import { parseCheckpoint } from '#core/note';
import { equalOctets } from '#core/octets';
import { STH_ORIGIN, type Head, type OriginHead } from '../heads.js';

/** `'doubtful'` for what our own parser refuses and another might not. */
export type ReadHead = OriginHead | 'doubtful' | undefined;

/** Version, type of signature, time, size, root. */
const STH_BYTES = 2 + 8 + 8 + 32;
const TREE_HASH = 1;

/** Nearly a checkpoint: a number in the second line and a digest in the third. Some reader might be lenient. */
const RESEMBLES = /^[^\n]*\n[ \t+-]*[0-9][0-9 \t\r_]*\n[A-Za-z0-9+/_-]{42,44}=?[ \t\r]*(?:\n|$)/;
const LONGEST = 16_384;

/** Whether this is the head of a tree without leaves. */
export function isEmptyHead({ root }: Head): boolean {
  return equalOctets(root, emptyRoot());
}

export function readHead(message: Uint8Array): ReadHead {
  if (message.length === STH_BYTES && message[0] === 0 && message[1] === TREE_HASH) {
    const size = Buffer.from(message.buffer, message.byteOffset, message.length).readBigUInt64BE(10);
    return { origin: STH_ORIGIN, size, root: message.slice(18) };
  }
  if (message.length > LONGEST || !message.includes(0x0a)) return undefined;
  const text = Buffer.from(message.buffer, message.byteOffset, message.length).toString('utf8');
  if (!RESEMBLES.test(text)) return undefined;
  try {
    const { origin, size, root } = parseCheckpoint(text);
    return { origin, size, root };
  } catch (error) {
    if (!isFault(error)) throw error;
    return 'doubtful';
  }
}
