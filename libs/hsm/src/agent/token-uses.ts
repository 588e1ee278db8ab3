/**
 * A copy of the counts of key uses, kept in the token itself as a data object for each counter: a host whose file was
 * lost or taken back learns from it how far it had counted. As with heads, the new object is made before the old one
 * is destroyed.
 */
import { CKA, CKO, findObjects, readBytes, type Handle } from './library.js';
import type { KeptCounts } from './count-uses.js';
import type { OpenToken } from './token.js';

const APPLICATION = Buffer.from('airseal key uses 1');

function formatValue({ counter, host, counted }: KeptCounts): Buffer {
  const lines = [...counted].map(([pair, count]) => `${pair} ${count}\n`);
  return Buffer.from(`${counter}\n${encodeURIComponent(host)}\n${lines.join('')}`);
}

function parseValue(value: Buffer | undefined): KeptCounts | undefined {
  const [counter, host, ...lines] = (value?.toString('utf8') ?? '').split('\n');
  if (counter === undefined || host === undefined) return undefined;
  const counted = new Map<string, number>();
  for (const line of lines) {
    const match = /^([0-9a-f]{64} [a-z-]+) ([0-9]{1,15})$/.exec(line);
    if (match?.[1] !== undefined) counted.set(match[1], Number(match[2]));
  }
  return { counter, host: decodeURIComponent(host), counted };
}

function find(token: OpenToken, session: Handle): { handle: Handle; kept: KeptCounts }[] {
  const objects = findObjects(token.library, session, [
    { type: CKA.class, value: CKO.data },
    { type: CKA.application, value: APPLICATION },
  ]);
  return objects.flatMap((handle) => {
    const kept = parseValue(readBytes(token.library, session, handle, CKA.value));
    return kept === undefined ? [] : [{ handle, kept }];
  });
}

/** Of several copies of one counter the largest figure of each pair. */
export function readTokenUses(token: OpenToken): KeptCounts[] {
  const byCounter = new Map<string, KeptCounts>();
  for (const { kept } of find(token, token.desk)) {
    const counted = new Map(byCounter.get(kept.counter)?.counted);
    for (const [pair, count] of kept.counted) counted.set(pair, Math.max(count, counted.get(pair) ?? 0));
    byCounter.set(kept.counter, { ...kept, counted });
  }
  return [...byCounter.values()];
}

/** Makes `kept` what the token remembers of its counter. */
export function writeTokenUses(token: OpenToken, kept: KeptCounts): void {
  const { library } = token;
  const session = token.openSession(true);
  try {
    const old = find(token, session).filter((found) => found.kept.counter === kept.counter);
    library.C_CreateObject(session, [
      { type: CKA.class, value: CKO.data },
      { type: CKA.token, value: true },
      { type: CKA.private, value: true },
      { type: CKA.application, value: APPLICATION },
      { type: CKA.label, value: Buffer.from(`uses counted by ${kept.counter}`) },
      { type: CKA.value, value: formatValue(kept) },
    ]);
    for (const { handle } of old) library.C_DestroyObject(session, handle);
  } finally {
    library.C_CloseSession(session);
  }
}
