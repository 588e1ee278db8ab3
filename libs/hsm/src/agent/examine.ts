/** The doctor's hand inside the agent: what can only be seen beside the library. */
import { randomBytes } from 'node:crypto';
import { isFault } from '#core/fault';
import type { DoctorFinding } from '../key-report.js';
import type { Calls } from '../protocol.js';
import { trialMessage } from '../purpose.js';
import { ALGORITHMS, CKF, CKK, CKM, type AlgorithmFacts } from './algorithms.js';
import { reportOn } from './attributes.js';
import { generatePassingKey } from './generate-key.js';
import type { TokenKey } from './key.js';
import { readBytes, CKA, type Handle } from './library.js';
import { toFault } from './return-codes.js';
import type { SignMessage } from './sign-message.js';
import { PIN_STATE, tokenInfo } from './token-info.js';
import type { OpenToken } from './token.js';

const NAMES: readonly (readonly [string, number])[] = [
  ['CKM_EC_KEY_PAIR_GEN', CKM.ecKeyPairGen],
  ['CKM_ECDSA', CKM.ecdsa],
  ['CKM_RSA_PKCS_KEY_PAIR_GEN', CKM.rsaKeyPairGen],
  ['CKM_RSA_PKCS', CKM.rsaPkcs],
  ['CKM_SHA256_RSA_PKCS', CKM.sha256RsaPkcs],
  ['CKM_EC_EDWARDS_KEY_PAIR_GEN', CKM.edwardsKeyPairGen],
  ['CKM_EDDSA', CKM.eddsa],
];

export async function examine(token: OpenToken, sign: SignMessage): Promise<Calls['examine']['answers']> {
  const mechanisms = NAMES.map(([name, mechanism]) => {
    const about = token.mechanisms.get(mechanism);
    return { name, offered: about !== undefined, minBits: about?.minBits ?? 0, maxBits: about?.maxBits ?? 0 };
  });
  const info = tokenInfo(token.library, token.slot);
  const findings: DoctorFinding[] = [
    pinFinding(info.pin),
    ...noticeProtectedPath(info.protectedAuthenticationPath),
  ];
  const session = token.openSession(true);
  try {
    for (const facts of ALGORITHMS) findings.push(...(await tryAlgorithm(token, session, sign, facts)));
  } finally {
    token.library.C_CloseSession(session);
  }
  return { token: info, mechanisms, findings };
}

function pinFinding(state: keyof typeof PIN_STATE): DoctorFinding {
  const found = PIN_STATE[state];
  // Only the flags are read: a doctor who tries a wrong PIN to see what happens is a danger himself.
  if (state === 'ok') return { check: 'wrong-PIN margin', verdict: 'pass', found };
  const verdict = state === 'locked' || state === 'final-try' ? 'fail' : 'warn';
  return {
    check: 'wrong-PIN margin',
    verdict,
    found,
    next: 'find out who tried wrong PINs before anything else',
  };
}

function noticeProtectedPath(present: boolean): DoctorFinding[] {
  if (!present) return [];
  return [
    {
      check: 'protected authentication path',
      verdict: 'warn',
      found: 'the token can take its PIN at a device of its own',
      next: 'logins use the password in the PIN source; a PIN pad is not supported',
    },
  ];
}

async function tryAlgorithm(
  token: OpenToken,
  session: Handle,
  sign: SignMessage,
  facts: AlgorithmFacts,
): Promise<DoctorFinding[]> {
  const check = facts.algorithm;
  const about = token.mechanisms.get(facts.generate);
  const tooBig = facts.keyType === CKK.rsa && about !== undefined && facts.bits > about.maxBits;
  if (about === undefined || (about.flags & CKF.generateKeyPair) === 0 || tooBig) {
    return [{ check, verdict: 'unsupported', found: 'the token does not make such keys' }];
  }
  // Making a 4096-bit key takes a slow token minutes and tells nothing that 3072 bits do not.
  if (facts.bits === 4096)
    return [{ check, verdict: 'pass', found: 'offered by its mechanism information; not tried' }];
  try {
    const [label, id] = [`airseal-doctor-${randomBytes(4).toString('hex')}`, randomBytes(16)];
    const key = await generatePassingKey(token, session, { label, id, algorithm: facts.algorithm });
    sign.admit(token, key);
    await sign.execute({ uri: key.uri, purpose: 'trial', message: Buffer.from(trialMessage('doctor')) });
    sign.forget(key.uri);
    return [
      { check, verdict: 'pass', found: 'made a key, signed, verified outside the token' },
      ...(facts.algorithm === 'ecdsa-p256-sha256'
        ? [...attributeFindings(token, key), pointFinding(token, key)]
        : []),
    ];
  } catch (error) {
    const fault = toFault(error);
    if (!isFault(fault)) throw error;
    return [
      { check, verdict: 'fail', found: fault.message, next: 'do not use this algorithm with this token' },
    ];
  }
}

function attributeFindings(token: OpenToken, key: TokenKey): DoctorFinding[] {
  // The trial key is a session object on purpose, so CKA_TOKEN is false in it.
  const rows = reportOn(token, key, { backup: 'none' }).rows.filter((row) => row.check !== 'CKA_TOKEN');
  const of = (verdict: string): string =>
    rows
      .filter((row) => row.verdict === verdict)
      .map((row) => row.check)
      .join(', ');
  const failed = rows.some((row) => row.verdict === 'fail' && row.obligatory);
  const found = `fail: ${of('fail') || 'none'}; unsupported: ${of('unsupported') || 'none'}`;
  if (!failed) return [{ check: 'attributes', verdict: of('fail') === '' ? 'pass' : 'warn', found }];
  return [
    {
      check: 'attributes',
      verdict: 'fail',
      found,
      next: 'keys made here would be refused; this token cannot hold them',
    },
  ];
}

function pointFinding(token: OpenToken, key: TokenKey): DoctorFinding {
  const handle = key.publicHandle ?? key.privateHandle;
  const point = readBytes(token.library, token.desk, handle, CKA.ecPoint);
  const found =
    point === undefined ? 'not given' : point[0] === 4 && point.length === 65 ? 'bare' : 'in an OCTET STRING';
  return {
    check: 'ECDSA encoding',
    verdict: 'pass',
    found: `signatures r ‖ s of 64 octets; public point ${found}`,
  };
}
