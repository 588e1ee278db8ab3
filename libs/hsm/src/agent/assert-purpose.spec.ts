import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatSct, sctListExtension, sctSignedInput, sthSignedInput, type LogEntry } from '#core/ct';
import { contextConstructed, element, integer, octetString, sequence } from '#core/der';
import { canonicalJson, olpcJson } from '#core/json';
import { emptyRoot } from '#core/merkle';
import { formatCheckpoint } from '#core/note';
import { concat, fromUtf8, toBase64 } from '#core/octets';
import { draftToken, SIGSTORE_POLICY } from '#core/timestamp';
import { draftLeaf } from '#core/x509';
import {
  fullLeafProfile,
  GENESIS_MS,
  pseudoRandom,
  softwareKey,
  softwarePki,
} from '../../../../test/kit/software-pki.js';
import { PURPOSES, trialMessage, type Purpose } from '../purpose.js';
import { assertPurpose } from './assert-purpose.js';

const pki = softwarePki();
const leaf = draftLeaf(fullLeafProfile(pki.codeIntermediate, softwareKey().spki));
const sct = formatSct({ logId: new Uint8Array(32), timestampMs: 1n, signature: Uint8Array.of(1) });
const entry: LogEntry = { kind: 'precertificate', issuerKeyHash: new Uint8Array(32), tbs: leaf.tbsLogged() };
const { subjectDer, spki } = pki.codeIntermediate.certificate;
const head = { origin: 'log.test', size: 7n, root: new Uint8Array(32).fill(9) };
const stamp = draftToken({
  request: {
    imprint: sequence(sequence(), octetString(new Uint8Array(32))),
    hash: 'sha256',
    hashedMessage: new Uint8Array(32),
    policy: undefined,
    nonce: undefined,
    certificates: true,
    extensions: false,
  },
  serial: pseudoRandom('token'),
  genTimeMs: GENESIS_MS + 60_000,
  policy: SIGSTORE_POLICY,
  leafCertificate: pki.tsaLeaf.certificate,
  signatureAlgorithm: 'ecdsa-p256-sha256',
});
const set = {
  body: toBase64(fromUtf8('{"kind":"hashedrekord"}')),
  integratedTime: 1_700_000_000,
  logID: 'ab'.repeat(32),
  logIndex: 7,
};

/** What each purpose signs, as its own builder spells it. */
const MESSAGES: Readonly<Record<Purpose, Uint8Array>> = {
  precertificate: leaf.tbsPrecert(),
  certificate: leaf.tbsFinal(sctListExtension([sct])),
  'ceremony-certificate': pki.codeRoot.certificate.tbs,
  'certificate-request': sequence(
    integer(0),
    subjectDer,
    spki,
    element(contextConstructed(0), new Uint8Array()),
  ),
  sct: sctSignedInput(1n, entry),
  'tree-head': sthSignedInput(1n, head.size, head.root),
  checkpoint: fromUtf8(formatCheckpoint(head)),
  'empty-head': fromUtf8(formatCheckpoint({ ...head, size: 0n, root: emptyRoot() })),
  'entry-timestamp': canonicalJson(set),
  'timestamp-token': stamp.signedAttributes,
  'identity-token': fromUtf8('eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0'),
  'tuf-root': olpcJson({ _type: 'root', version: 1, keys: { k: '-----BEGIN PUBLIC KEY-----\nAAAA\n' } }),
  'tuf-targets': olpcJson({ _type: 'targets', version: 1 }),
  'tuf-snapshot': olpcJson({ _type: 'snapshot', version: 1 }),
  'tuf-timestamp': olpcJson({ _type: 'timestamp', version: 1 }),
  'audit-anchor': canonicalJson({
    apiVersion: 'airseal/audit-anchor/v1',
    checkpoint: formatCheckpoint(head),
  }),
  'genesis-statement': canonicalJson({ apiVersion: 'airseal/trust-material/v1', mode: 'evaluation' }),
  transcript: fromUtf8(formatCheckpoint({ ...head, origin: 'airseal/ceremonies/1' })),
  trial: trialMessage('spec'),
};

const refused = expect.objectContaining({ code: 'hsm/purpose' });
/** Heads are told apart by the signing memory, which knows the keys of logs. */
const HEADS: ReadonlySet<Purpose> = new Set(['checkpoint', 'transcript', 'empty-head']);

describe.each(PURPOSES)('what reads as %s', (purpose) => {
  const message = Buffer.from(MESSAGES[purpose]);

  test('is signed for that purpose', () => {
    expect(() => assertPurpose(purpose, message)).not.toThrow();
  });

  test.each(PURPOSES.filter((other) => other !== purpose && !(HEADS.has(other) && HEADS.has(purpose))))(
    'is refused to a signer for %s',
    (other) => {
      expect(() => assertPurpose(other, message)).toThrow(refused);
    },
  );
});

test.each<[string, Purpose, Uint8Array]>([
  ['a promise with an octet too many', 'sct', concat(MESSAGES.sct, Uint8Array.of(0))],
  ['a promise cut short', 'sct', MESSAGES.sct.subarray(0, 40)],
  ['a certificate with an octet too many', 'certificate', concat(MESSAGES.certificate, Uint8Array.of(0))],
  ['a fifth member', 'entry-timestamp', canonicalJson({ ...set, logZ: 1 })],
  [
    'a head inside a body',
    'entry-timestamp',
    fromUtf8(`{"body":"\n5\n${'A'.repeat(43)}=\n","integratedTime":1}`),
  ],
  ['a head of leaves', 'empty-head', MESSAGES.checkpoint],
  ['nothing', 'trial', new Uint8Array()],
])('%s is refused', (_what, purpose, message) => {
  expect(() => assertPurpose(purpose, Buffer.from(message))).toThrow(refused);
});

test('no octets have two forms, and none make it fail in another way', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(MESSAGES)),
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
      (message, at, octets) => {
        const changed = Buffer.from(message);
        changed.set(
          octets.subarray(0, Math.max(0, changed.length - (at % changed.length))),
          at % changed.length,
        );
        const fitting = PURPOSES.filter((one) => {
          try {
            assertPurpose(one, changed);
            return true;
          } catch (error) {
            expect(error).toEqual(refused);
            return false;
          }
        });
        if (!fitting.some((one) => HEADS.has(one))) expect(fitting.length).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 2000 },
  );
});
