import { Fault } from '#core/fault';
import type { AttributeReport, Backup } from '../key-report.js';
import { reportOn } from './attributes.js';
import { findKey, isTrue, type TokenKey } from './key.js';
import { CKA, readAttribute } from './library.js';
import type { OpenToken } from './token.js';

/**
 * The key at `uri`, if what the token says of it allows its use.
 *
 * Without a declared `backup` a key that can leave is accepted only if it can leave wrapped alone.
 *
 * @throws {Fault} hsm/attributes, hsm/key-absent, hsm/key-ambiguous
 */
export function permittedKey(
  token: OpenToken,
  uri: string,
  backup?: Backup,
): { readonly key: TokenKey; readonly report: AttributeReport } {
  const key = findKey(token, uri);
  const extractable = isTrue(readAttribute(token.library, token.desk, key.privateHandle, CKA.extractable));
  const report = reportOn(token, key, { backup: backup ?? (extractable ? 'trusted-wrap' : 'none') });
  if (!report.holds) throw attributesRefused(uri, report);
  return { key, report };
}

export function attributesRefused(uri: string, report: AttributeReport): Fault {
  const failed = report.rows.filter((row) => row.obligatory && row.verdict === 'fail');
  const list = failed.map((row) => `${row.check} is ${row.found} instead of ${row.expected}`).join(', ');
  return new Fault(
    'refused',
    'hsm/attributes',
    `the key ${uri} may not be used: ${list}; make a new key with the ceremony`,
    {
      detail: { uri, failed: failed.map((row) => row.check).join(' ') },
    },
  );
}
