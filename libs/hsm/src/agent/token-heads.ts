/**
 * The newest signed head of each tree, kept in the token itself as a data object: a host that lost its disk, or
 * a new one, learns from the token how far its keys have signed.
 *
 * A head is never changed in place (some tokens refuse to): the new object is made first, then the old ones are
 * destroyed, so a crash leaves too many and never none. Of several the largest counts, and one that is larger
 * than ours, written by another host, is left alone.
 */
import { fromBase64, fromHex, toBase64, toHex } from '#core/octets';
import type { OriginHead } from '../heads.js';
import { CKA, CKO, findObjects, readBytes, type Handle } from './library.js';
import type { OpenToken } from './token.js';

const APPLICATION = Buffer.from('airseal signed head 1');

export interface TokenHead extends OriginHead {
  /** SHA-256 of the public key. */
  readonly key: Uint8Array;
}

interface Found {
  readonly handle: Handle;
  readonly head: TokenHead;
}

function formatValue({ key, origin, size, root }: TokenHead): Buffer {
  return Buffer.from(`${toHex(key)}\n${origin}\n${size}\n${toBase64(root)}\n`);
}

function parseValue(value: Buffer | undefined): TokenHead | undefined {
  const [key, origin, size, root, end, ...rest] = (value?.toString('utf8') ?? '').split('\n');
  if (key === undefined || origin === undefined || root === undefined || end !== '' || rest.length > 0)
    return undefined;
  if (size === undefined || !/^[0-9]{1,19}$/.test(size)) return undefined;
  return { key: fromHex(key), origin, size: BigInt(size), root: fromBase64(root) };
}

function find(token: OpenToken, session: Handle): Found[] {
  const objects = findObjects(token.library, session, [
    { type: CKA.class, value: CKO.data },
    { type: CKA.application, value: APPLICATION },
  ]);
  return objects.flatMap((handle) => {
    const head = parseValue(readBytes(token.library, session, handle, CKA.value));
    return head === undefined ? [] : [{ handle, head }];
  });
}

export function readTokenHeads(token: OpenToken): TokenHead[] {
  return find(token, token.desk).map(({ head }) => head);
}

/** Makes `head` the one that the token keeps for its key and origin, unless it has a larger one. */
export function writeTokenHead(token: OpenToken, head: TokenHead): void {
  const { library } = token;
  const session = token.openSession(true);
  try {
    const same = find(token, session).filter(
      (found) => found.head.origin === head.origin && toHex(found.head.key) === toHex(head.key),
    );
    if (!same.some((found) => found.head.size >= head.size)) {
      library.C_CreateObject(session, [
        { type: CKA.class, value: CKO.data },
        { type: CKA.token, value: true },
        { type: CKA.private, value: true },
        { type: CKA.application, value: APPLICATION },
        { type: CKA.label, value: Buffer.from(`head of ${head.origin}`) },
        { type: CKA.value, value: formatValue(head) },
      ]);
    }
    for (const old of same) if (old.head.size < head.size) library.C_DestroyObject(session, old.handle);
  } finally {
    library.C_CloseSession(session);
  }
}
