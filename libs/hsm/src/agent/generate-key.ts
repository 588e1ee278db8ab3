/**
 * How a key comes to be.
 *
 *   1. look      the label must be free; a public half that a crash left alone is swept away first
 *   2. make      from a template that names every attribute, since defaults differ from token to token
 *   3. read back every attribute, one by one
 *   4. prove     by a signature that is verified outside the token
 *
 * A pair that fails the third or fourth step is destroyed: nobody has seen it yet.
 */
import { verifySignature } from '#core/crypto';
import { Fault } from '#core/fault';
import type { AttributeReport, Backup } from '../key-report.js';
import { formatPkcs11Uri } from '../pkcs11-uri.js';
import { trialMessage } from '../purpose.js';
import type { KeyAlgorithm } from '../signer.js';
import { ALGORITHM, CKF, CKK, type AlgorithmFacts } from './algorithms.js';
import { reportOn } from './attributes.js';
import { describeKey, type TokenKey } from './key.js';
import {
  CKA,
  CKO,
  findObjects,
  generateOnThread,
  readBytes,
  ulong,
  type Attribute,
  type Handle,
} from './library.js';
import { attributesRefused } from './permitted-key.js';
import { CONCESSIONS, profileOf } from './profile.js';
import { CKR, returnCode } from './return-codes.js';
import type { SignMessage } from './sign-message.js';
import type { OpenToken } from './token.js';

export interface KeyWish {
  readonly label: string;
  readonly algorithm: KeyAlgorithm;
  readonly id: Uint8Array;
  readonly backup: Backup;
  readonly alwaysAuthenticate: boolean;
  /** False for a key that ends with its session. */
  readonly lasting: boolean;
}

interface Made {
  readonly key: TokenKey;
  readonly conceded: ReadonlySet<number>;
}

const PROOF = Buffer.from(trialMessage('this key is in the token'));

export async function generateKey(
  token: OpenToken,
  sign: SignMessage,
  wish: KeyWish,
): Promise<{ readonly key: TokenKey; readonly report: AttributeReport }> {
  assertLabelFree(token, wish.label);
  const facts = offered(token, wish.algorithm);
  const session = token.openSession(true);
  try {
    const { key, conceded } = await makePair(token, session, facts, wish);
    const { id, label, alwaysAuthenticate, backup } = wish;
    const born = { id, label, alwaysAuthenticate, mechanisms: facts.sign };
    const report = reportOn(token, key, { backup, born, conceded });
    try {
      if (!report.holds) throw attributesRefused(key.uri, report);
      verifySignature(
        key.publicKey,
        PROOF,
        await sign.execute({ uri: key.uri, purpose: 'trial', message: PROOF }),
      );
    } catch (error) {
      destroyPair(token, session, key);
      throw error;
    }
    return { key, report };
  } finally {
    token.library.C_CloseSession(session);
  }
}

/** A key pair that ends with `session`: it proves what the token can do and leaves no trace in it. */
export async function generatePassingKey(
  token: OpenToken,
  session: Handle,
  wish: Omit<KeyWish, 'lasting' | 'backup' | 'alwaysAuthenticate'>,
): Promise<TokenKey> {
  const facts = offered(token, wish.algorithm);
  const { key } = await makePair(token, session, facts, {
    ...wish,
    lasting: false,
    backup: 'none',
    alwaysAuthenticate: false,
  });
  return key;
}

function labelled(token: OpenToken, kind: number, label: string): Handle[] {
  return findObjects(token.library, token.desk, [
    { type: CKA.class, value: kind },
    { type: CKA.label, value: Buffer.from(label, 'utf8') },
  ]);
}

function assertLabelFree(token: OpenToken, label: string): void {
  if (labelled(token, CKO.privateKey, label).length > 0) {
    throw new Fault(
      'conflict',
      'hsm/label-taken',
      `a key with the label ${label} is in the token already; adopt it, or choose another label`,
    );
  }
  const orphans = labelled(token, CKO.publicKey, label);
  if (orphans.length === 0) return;
  // Power lost between the halves leaves a public half alone (CEREMONY §3.6); it is worth nothing, but
  // one that has a private half under another label is somebody's.
  const session = token.openSession(true);
  try {
    for (const orphan of orphans) {
      const id = readBytes(token.library, session, orphan, CKA.id);
      const pair: Attribute[] = [{ type: CKA.class, value: CKO.privateKey }];
      if (
        id === undefined ||
        findObjects(token.library, session, [...pair, { type: CKA.id, value: id }], 1).length > 0
      ) {
        throw new Fault(
          'conflict',
          'hsm/label-taken',
          `a public key with the label ${label} is in the token already; choose another label`,
        );
      }
      token.library.C_DestroyObject(session, orphan);
    }
  } finally {
    token.library.C_CloseSession(session);
  }
}

function offered(token: OpenToken, algorithm: KeyAlgorithm): AlgorithmFacts {
  const facts = ALGORITHM[algorithm];
  const mechanism = token.mechanisms.get(facts.generate);
  const fits = (size: number): boolean =>
    mechanism !== undefined && mechanism.minBits <= size && size <= mechanism.maxBits;
  // Some tokens count the sizes of Edwards curves in octets, or give none.
  const sized = facts.keyType === CKK.edwards || mechanism?.maxBits === 0 || fits(facts.bits);
  if (mechanism === undefined || (mechanism.flags & CKF.generateKeyPair) === 0 || !sized) {
    throw new Fault(
      'refused',
      'hsm/mechanism-absent',
      `the token does not make ${algorithm} keys; choose an algorithm that \`airseal hsm doctor\` lists`,
    );
  }
  return facts;
}

const TEMPLATE_CODES: ReadonlySet<number> = new Set([
  0x07,
  CKR.attributeTypeInvalid,
  0x13,
  0xd0,
  0xd1,
  0x130,
  0x140,
  CKR.generalError,
]);

/** Asks for everything; what a token refuses to be asked for is left out step by step, and remembered. */
async function makePair(
  token: OpenToken,
  session: Handle,
  facts: AlgorithmFacts,
  wish: KeyWish,
): Promise<Made> {
  const conceded = new Set(profileOf(token.info).rejects);
  let refusal: unknown;
  for (const concession of CONCESSIONS) {
    for (const type of concession) conceded.add(type);
    for (const curve of facts.curve.length === 0 ? [undefined] : facts.curve) {
      const { publicTemplate, privateTemplate } = templates(facts, curve, wish);
      const keep = (attribute: Attribute): boolean => !conceded.has(attribute.type);
      try {
        const pair = await generateOnThread(
          token.library,
          session,
          { mechanism: facts.generate },
          publicTemplate.filter(keep),
          privateTemplate.filter(keep),
        );
        const key = describeKey(token, pair.privateKey);
        if (key === undefined)
          throw new Fault(
            'corrupt',
            'hsm/key-kind',
            'the token made another kind of key than it was asked for',
          );
        return { key, conceded };
      } catch (error) {
        const code = returnCode(error);
        if (code === undefined || !TEMPLATE_CODES.has(code)) throw error;
        refusal ??= error;
      }
    }
  }
  throw refusal;
}

function templates(
  facts: AlgorithmFacts,
  curve: Uint8Array | undefined,
  wish: KeyWish,
): { readonly publicTemplate: Attribute[]; readonly privateTemplate: Attribute[] } {
  const names: Attribute[] = [
    { type: CKA.token, value: wish.lasting },
    { type: CKA.label, value: Buffer.from(wish.label, 'utf8') },
    { type: CKA.id, value: Buffer.from(wish.id) },
    { type: CKA.keyType, value: facts.keyType },
  ];
  const size: Attribute[] =
    curve === undefined
      ? [
          { type: CKA.modulusBits, value: facts.bits },
          { type: CKA.publicExponent, value: Buffer.from([1, 0, 1]) },
        ]
      : [{ type: CKA.ecParams, value: Buffer.from(curve) }];
  const wrapped = wish.backup === 'trusted-wrap';
  const privateTemplate: Attribute[] = [
    { type: CKA.class, value: CKO.privateKey },
    ...names,
    { type: CKA.private, value: true },
    { type: CKA.sensitive, value: true },
    { type: CKA.extractable, value: wrapped },
    { type: CKA.sign, value: true },
    { type: CKA.decrypt, value: false },
    { type: CKA.unwrap, value: false },
    { type: CKA.signRecover, value: false },
    { type: CKA.derive, value: false },
    { type: CKA.modifiable, value: false },
    { type: CKA.copyable, value: false },
    { type: CKA.allowedMechanisms, value: Buffer.concat(facts.sign.map(ulong)) },
  ];
  if (wrapped) privateTemplate.push({ type: CKA.wrapWithTrusted, value: true });
  if (wish.alwaysAuthenticate) privateTemplate.push({ type: CKA.alwaysAuthenticate, value: true });
  return {
    publicTemplate: [
      { type: CKA.class, value: CKO.publicKey },
      ...names,
      { type: CKA.private, value: false },
      { type: CKA.verify, value: true },
      ...size,
    ],
    privateTemplate,
  };
}

function destroyPair(token: OpenToken, session: Handle, key: TokenKey): void {
  token.library.C_DestroyObject(session, key.privateHandle);
  if (key.publicHandle !== undefined) token.library.C_DestroyObject(session, key.publicHandle);
}

/** Destroys the pair that `uri` names, if its label is `label`; also a half that is alone. */
export function destroyKey(token: OpenToken, uri: string, label: string): number {
  if (formatPkcs11Uri({ token: token.info.label, object: label }) !== uri) {
    throw new Fault(
      'refused',
      'hsm/destroy',
      'to destroy a key, repeat its label: it must be the one that its URI names',
    );
  }
  const doomed = [...labelled(token, CKO.privateKey, label), ...labelled(token, CKO.publicKey, label)];
  const session = token.openSession(true);
  try {
    for (const object of doomed) token.library.C_DestroyObject(session, object);
  } finally {
    token.library.C_CloseSession(session);
  }
  return doomed.length;
}
