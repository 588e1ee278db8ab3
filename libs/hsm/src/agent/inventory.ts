/** Everything that stands in a token: keys that can be used here, and whatever else there is. */
import { isFault } from '#core/fault';
import { toBase64, toHex } from '#core/octets';
import type { AttributeReport, Inventory } from '../key-report.js';
import type { InventoryLetter, KeyLetter } from '../protocol.js';
import { reportOn } from './attributes.js';
import { describeKey, type TokenKey } from './key.js';
import { CKA, CKO, findObjects, readBytes, type Handle } from './library.js';
import { tokenInfo } from './token-info.js';
import type { OpenToken } from './token.js';

export function keyLetter(key: TokenKey, report: AttributeReport): KeyLetter {
  const { algorithm } = key.facts;
  return { uri: key.uri, algorithm, spki: toBase64(key.publicKey.spki), id: toHex(key.id), report };
}

export function inventory(token: OpenToken): InventoryLetter {
  const keys: KeyLetter[] = [];
  const others: { label: string; id: string; what: string }[] = [];
  const paired = new Set<string>();
  const note = (handle: Handle, what: string): void => {
    const read = (type: number): Buffer =>
      readBytes(token.library, token.desk, handle, type) ?? Buffer.alloc(0);
    others.push({ label: read(CKA.label).toString('utf8'), id: toHex(read(CKA.id)), what });
  };
  for (const handle of findObjects(token.library, token.desk, [{ type: CKA.class, value: CKO.privateKey }])) {
    try {
      const key = describeKey(token, handle);
      if (key === undefined) {
        note(handle, 'private key of a kind that is not used here');
        continue;
      }
      if (key.publicHandle !== undefined) paired.add(toHex(key.publicHandle));
      keys.push(keyLetter(key, reportOn(token, key, { backup: 'none' })));
    } catch (error) {
      if (!isFault(error)) throw error;
      note(handle, `private key: ${error.message}`);
    }
  }
  for (const handle of findObjects(token.library, token.desk, [{ type: CKA.class, value: CKO.publicKey }])) {
    if (!paired.has(toHex(handle))) note(handle, 'public key alone');
  }
  return { token: tokenInfo(token.library, token.slot), keys, others: others satisfies Inventory['others'] };
}
