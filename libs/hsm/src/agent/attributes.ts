/**
 * The enforcement matrix `private-signing-key@1` (CEREMONY §4.6), rows 1 to 11 and the negative tests.
 *
 * Attributes are read back from the token one by one and compared with what was wished. They prove what
 * the token says of itself and of its history, not how many copies exist: see §4.1.
 */
import { equalOctets, toHex } from '#core/octets';
import type { AttributeReport, AttributeRow, Backup, Verdict } from '../key-report.js';
import { CKK } from './algorithms.js';
import { isTrue, type TokenKey } from './key.js';
import { CKA, CKO, findObjects, readAttribute, ulong, type AttributeValue } from './library.js';
import { profileOf, type TokenProfile } from './profile.js';
import type { OpenToken } from './token.js';

export interface Wishes {
  readonly backup: Backup;
  /** Set for a key that was made a moment ago: rows that only birth can prove. */
  readonly born?: {
    readonly id: Uint8Array;
    readonly label: string;
    readonly alwaysAuthenticate: boolean;
    readonly mechanisms: readonly number[];
  };
  /** What was left out of the template because the token would not take it. */
  readonly conceded?: ReadonlySet<number>;
}

export function reportOn(token: OpenToken, key: TokenKey, wishes: Wishes): AttributeReport {
  const profile = profileOf(token.info);
  const rows = [
    ...matrix(token, key, wishes, profile),
    ...publicRows(token, key),
    ...negativeRows(token, key),
  ];
  return {
    policy: 'private-signing-key@1',
    profile: profile.name,
    rows,
    holds: rows.every((row) => !row.obligatory || row.verdict !== 'fail'),
  };
}

function found(value: AttributeValue): string {
  if (!Buffer.isBuffer(value)) return value;
  if (value.length === 1) return value[0] === 0 ? 'false' : 'true';
  return value.length <= 16 ? toHex(value) : `${value.length} octets`;
}

function matrix(token: OpenToken, key: TokenKey, wishes: Wishes, profile: TokenProfile): AttributeRow[] {
  const { library, desk } = token;
  const read = (type: number): AttributeValue => readAttribute(library, desk, key.privateHandle, type);
  const lenient = (type: number): boolean => profile.rejects.has(type) || wishes.conceded?.has(type) === true;

  const flag = (name: string, type: number, wish: boolean, obligatory: boolean): AttributeRow => {
    const value = read(type);
    const row = { check: name, expected: String(wish), found: found(value), obligatory };
    if (!Buffer.isBuffer(value)) return { ...row, verdict: 'unsupported' };
    if (isTrue(value) === wish) return { ...row, verdict: 'pass' };
    return { ...row, verdict: lenient(type) ? 'unsupported' : 'fail' };
  };

  const { born } = wishes;
  const wrapped = wishes.backup === 'trusted-wrap';
  const birth = born !== undefined;
  const rsa = key.facts.keyType === CKK.rsa;
  const rows: AttributeRow[] = [
    {
      check: 'key type and size',
      expected: key.facts.algorithm,
      found: `${key.publicKey.kind} ${key.publicKey.bits}`,
      verdict: key.publicKey.bits === key.facts.bits ? 'pass' : 'fail',
      obligatory: true,
    },
    flag('CKA_TOKEN', CKA.token, true, true),
    flag('CKA_PRIVATE', CKA.private, true, true),
    flag('CKA_SENSITIVE', CKA.sensitive, true, true),
    // A key that was restored from a wrapped backup honestly says that it was outside once.
    flag('CKA_ALWAYS_SENSITIVE', CKA.alwaysSensitive, true, birth || !wrapped),
    flag('CKA_EXTRACTABLE', CKA.extractable, wrapped, true),
    wrapped
      ? flag('CKA_WRAP_WITH_TRUSTED', CKA.wrapWithTrusted, true, true)
      : flag('CKA_NEVER_EXTRACTABLE', CKA.neverExtractable, true, true),
    flag('CKA_LOCAL', CKA.local, true, !wrapped),
    flag('CKA_SIGN', CKA.sign, true, true),
    // In keys of other making a use that the algorithm cannot have is untidy, not dangerous.
    flag('CKA_DECRYPT', CKA.decrypt, false, birth || rsa),
    flag('CKA_UNWRAP', CKA.unwrap, false, birth || rsa),
    flag('CKA_SIGN_RECOVER', CKA.signRecover, false, birth || rsa),
    flag('CKA_DERIVE', CKA.derive, false, birth || !rsa),
    flag('CKA_MODIFIABLE', CKA.modifiable, false, false),
    flag('CKA_COPYABLE', CKA.copyable, false, false),
  ];
  if (born === undefined) return rows;

  const equal = (
    name: string,
    type: number,
    wish: Uint8Array,
    obligatory: boolean,
    show: string,
  ): AttributeRow => {
    const value = read(type);
    const verdict: Verdict = !Buffer.isBuffer(value)
      ? 'unsupported'
      : equalOctets(value, wish)
        ? 'pass'
        : lenient(type)
          ? 'unsupported'
          : 'fail';
    return { check: name, expected: show, found: found(value), verdict, obligatory };
  };
  rows.push(
    equal(
      'CKA_KEY_GEN_MECHANISM',
      CKA.keyGenMechanism,
      ulong(key.facts.generate),
      true,
      `0x${key.facts.generate.toString(16)}`,
    ),
    equal('CKA_ID', CKA.id, born.id, true, toHex(born.id)),
    equal('CKA_LABEL', CKA.label, Buffer.from(born.label, 'utf8'), true, born.label),
    equal(
      'CKA_ALLOWED_MECHANISMS',
      CKA.allowedMechanisms,
      Buffer.concat(born.mechanisms.map(ulong)),
      false,
      born.mechanisms.map((mechanism) => `0x${mechanism.toString(16)}`).join(' '),
    ),
  );
  if (born.alwaysAuthenticate)
    rows.push(flag('CKA_ALWAYS_AUTHENTICATE', CKA.alwaysAuthenticate, true, false));
  rows.push(
    uniqueRow(token, 'private', CKO.privateKey, born.label),
    uniqueRow(token, 'public', CKO.publicKey, born.label),
  );
  return rows;
}

function uniqueRow(token: OpenToken, half: string, kind: number, label: string): AttributeRow {
  const objects = findObjects(token.library, token.desk, [
    { type: CKA.class, value: kind },
    { type: CKA.label, value: Buffer.from(label, 'utf8') },
  ]);
  return {
    check: `${half} halves with this label`,
    expected: '1',
    found: String(objects.length),
    verdict:
      objects.length === 1 ? 'pass' : objects.length === 0 && half === 'public' ? 'unsupported' : 'fail',
    obligatory: true,
  };
}

function publicRows(token: OpenToken, key: TokenKey): AttributeRow[] {
  if (key.publicHandle === undefined) {
    return [
      {
        check: 'public half',
        expected: 'present',
        found: 'in the private object',
        verdict: 'unsupported',
        obligatory: false,
      },
    ];
  }
  const value = readAttribute(token.library, token.desk, key.publicHandle, CKA.verify);
  const verdict: Verdict = !Buffer.isBuffer(value) ? 'unsupported' : isTrue(value) ? 'pass' : 'fail';
  return [
    {
      check: 'CKA_VERIFY of the public half',
      expected: 'true',
      found: found(value),
      verdict,
      obligatory: false,
    },
  ];
}

/** What the token must refuse: an attribute that says `sensitive` is only believed when reading fails. */
function negativeRows(token: OpenToken, key: TokenKey): AttributeRow[] {
  const type = key.facts.keyType === CKK.rsa ? CKA.privateExponent : CKA.value;
  const value = readAttribute(token.library, token.desk, key.privateHandle, type);
  return [
    {
      check: 'reading the private value',
      expected: 'refused',
      found: Buffer.isBuffer(value) ? `${value.length} octets` : 'refused',
      verdict: Buffer.isBuffer(value) ? 'fail' : 'pass',
      obligatory: true,
    },
  ];
}
