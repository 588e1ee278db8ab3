import { describe, expect, test } from '@jest/globals';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { AsnConvert, AsnSerializer, AsnUtf8StringConverter, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AuthorityKeyIdentifier,
  ExtendedKeyUsage,
  Extension,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  OtherName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Time,
  Validity,
  Extensions,
  Certificate as PeculiarCertificate,
} from '@peculiar/asn1-x509';
import { X509Certificate as SigstoreCertificate } from '@sigstore/core';
import fc from 'fast-check';
import * as der from '#core/der';
import {
  formatSct,
  logIdOf,
  parseSct,
  parseSctListExtension,
  sctListExtension,
  sctSignedInput,
  verifySct,
} from '#core/ct';
import { parsePublicKey } from '#core/crypto';
import { isFault } from '#core/fault';
import { concat, toHex } from '#core/octets';
import {
  fullLeafProfile,
  GENESIS_MS,
  softwareCa,
  softwareKey,
  softwarePki,
} from '../../../../test/kit/software-pki.js';
import {
  assembleCertificate,
  draftCaCertificate,
  draftLeaf,
  extensionValue,
  FULCIO_BY_OID,
  fulcioExtensions,
  issuerKeyHash,
  type LeafName,
  type LeafProfile,
  loggedTbs,
  nameText,
  OID,
  parseCertificate,
  parseCsr,
  verifyChain,
  verifyIssuedBy,
} from './index.js';

const pki = softwarePki();
const { codeIntermediate: ca } = pki;
const signer = softwareKey();
const profile = fullLeafProfile(ca, signer.spki);

const NAMES: readonly LeafName[] = [
  { kind: 'email', value: 'ann@example.org' },
  { kind: 'uri', value: 'https://git.example/team/app' },
  { kind: 'username', value: 'ann!example.org' },
];

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

function buffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

/** The same TBS from the object model of another author. */
function peculiarTbs(from: LeafProfile, last: Extension): Uint8Array {
  const extension = (oid: string, critical: boolean, value: ArrayBuffer): Extension =>
    new Extension({ extnID: oid, critical, extnValue: new OctetString(value) });
  const spki = AsnConvert.parse(buffer(from.spki), SubjectPublicKeyInfo);
  const identifier = (bits: ArrayBuffer): ArrayBuffer =>
    buffer(createHash('sha1').update(new Uint8Array(bits)).digest());
  const issuerSpki = AsnConvert.parse(buffer(from.issuer.spki), SubjectPublicKeyInfo);
  const name =
    from.name.kind === 'email'
      ? new GeneralName({ rfc822Name: from.name.value })
      : from.name.kind === 'uri'
        ? new GeneralName({ uniformResourceIdentifier: from.name.value })
        : new GeneralName({
            otherName: new OtherName({
              typeId: '1.3.6.1.4.1.57264.1.7',
              value: AsnUtf8StringConverter.toASN(from.name.value).toBER(),
            }),
          });
  const texts = new Map([
    ['1.3.6.1.4.1.57264.1.1', from.oidcIssuer],
    ['1.3.6.1.4.1.57264.1.8', from.oidcIssuer],
    ...from.extensions,
  ]);
  const fulcio = [...FULCIO_BY_OID.values()].flatMap(({ oid, encoding }) => {
    const text = texts.get(oid);
    if (text === undefined) return [];
    const raw = buffer(new TextEncoder().encode(text));
    return [extension(oid, false, encoding === 'raw' ? raw : AsnUtf8StringConverter.toASN(text).toBER())];
  });
  const serial = Uint8Array.from(from.serial);
  serial[0] = (serial[0] ?? 0) & 0x7f;
  const tbs = new TBSCertificate({
    version: 2,
    serialNumber: buffer(serial),
    signature: new AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.3' }),
    issuer: AsnConvert.parse(buffer(from.issuer.subjectDer), Name),
    validity: new Validity({ notBefore: new Date(from.notBeforeMs), notAfter: new Date(from.notAfterMs) }),
    subject: new Name(),
    subjectPublicKeyInfo: spki,
    extensions: new Extensions([
      extension('2.5.29.15', true, AsnSerializer.serialize(new KeyUsage(KeyUsageFlags.digitalSignature))),
      extension('2.5.29.37', false, AsnSerializer.serialize(new ExtendedKeyUsage(['1.3.6.1.5.5.7.3.3']))),
      extension(
        '2.5.29.14',
        false,
        AsnSerializer.serialize(new SubjectKeyIdentifier(identifier(spki.subjectPublicKey))),
      ),
      extension(
        '2.5.29.35',
        false,
        AsnSerializer.serialize(
          new AuthorityKeyIdentifier({
            keyIdentifier: new KeyIdentifier(identifier(issuerSpki.subjectPublicKey)),
          }),
        ),
      ),
      extension('2.5.29.17', true, AsnSerializer.serialize(new SubjectAlternativeName([name]))),
      ...fulcio,
      last,
    ]),
  });
  return new Uint8Array(AsnSerializer.serialize(tbs));
}

const POISON = new Extension({
  extnID: OID.precertificatePoison,
  critical: true,
  extnValue: new OctetString(buffer(Uint8Array.of(5, 0))),
});

describe('a leaf draft', () => {
  test.each(NAMES)('is byte for byte what another library writes, with a name of kind $kind', (name) => {
    const sctList = sctListExtension([new Uint8Array(119)]);
    const promise = new Extension({
      extnID: OID.sctList,
      critical: false,
      extnValue: new OctetString(buffer(sctList)),
    });
    const draft = draftLeaf({ ...profile, name });
    expect(toHex(draft.tbsPrecert())).toBe(toHex(peculiarTbs({ ...profile, name }, POISON)));
    expect(toHex(draft.tbsFinal(sctList))).toBe(toHex(peculiarTbs({ ...profile, name }, promise)));
  });

  test('promises for exactly what both forms share', () => {
    const draft = draftLeaf(profile);
    const logged = toHex(draft.tbsLogged());
    expect(toHex(loggedTbs(draft.tbsPrecert()))).toBe(logged);
    expect(toHex(loggedTbs(draft.tbsFinal(sctListExtension([Uint8Array.of(1)]))))).toBe(logged);
  });

  test('gives back every claim to a reader', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...NAMES),
        fc.webUrl(),
        fc.array(
          fc.tuple(fc.constantFrom(...FULCIO_BY_OID.keys()), fc.string({ minLength: 1, unit: 'grapheme' })),
        ),
        fc
          .uint8Array({ minLength: 16, maxLength: 20 })
          .filter((octets) => octets.some((octet) => (octet & 0x7f) !== 0)),
        (name, oidcIssuer, claims, serial) => {
          const extensions = new Map(claims.filter(([oid]) => !/\.(1|8)$/.test(oid)));
          const draft = draftLeaf({ ...profile, name, oidcIssuer, extensions, serial });
          const tbs = draft.tbsFinal(sctListExtension([Uint8Array.of(1)]));
          const read = parseCertificate(assembleCertificate(tbs, draft.signatureAlgorithm, Uint8Array.of(0)));
          const expected = new Map(extensions);
          for (const number of [1, 8]) expected.set(`1.3.6.1.4.1.57264.1.${number}`, oidcIssuer);
          expect(fulcioExtensions(read)).toEqual(expected);
          expect(read.sans).toEqual([name]);
          expect(read.serial > 0n).toBe(true);
          expect([read.notBeforeMs, read.notAfterMs]).toEqual([profile.notBeforeMs, profile.notAfterMs]);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('leaves out empty claims and refuses unknown, repeated and contradicting ones', () => {
    const draft = (extensions: LeafProfile['extensions']): string =>
      refusal(() => draftLeaf({ ...profile, extensions }));
    const [first, other] = ['1.3.6.1.4.1.57264.1.1', '1.3.6.1.4.1.57264.1.9'];
    expect(draft([[other, '']])).toBe('accepted');
    expect(
      fulcioExtensions(parseCertificate(finish(draftLeaf({ ...profile, extensions: [[other, '']] })))).size,
    ).toBe(2);
    expect(draft([['1.3.6.1.4.1.57264.1.25', 'x']])).toBe('x509/extension');
    expect(draft([['1.3.6.1.4.1.57264.1.7', 'x']])).toBe('x509/extension');
    expect(
      draft([
        [other, 'x'],
        [other, 'x'],
      ]),
    ).toBe('x509/extension');
    expect(draft([[first, 'https://evil.example']])).toBe('x509/extension');
    expect(draft([[first, profile.oidcIssuer]])).toBe('accepted');
    expect(refusal(() => draftLeaf({ ...profile, oidcIssuer: '' }))).toBe('x509/extension');
  });

  test('refuses names that are empty or do not fit their kind', () => {
    expect(refusal(() => draftLeaf({ ...profile, name: { kind: 'email', value: '' } }))).toBe(
      'x509/san-empty',
    );
    expect(
      refusal(() => draftLeaf({ ...profile, name: { kind: 'email', value: 'jürgen@example.org' } })),
    ).toBe('der/text');
    expect(
      refusal(() => draftLeaf({ ...profile, name: { kind: 'username', value: 'jürgen!example.org' } })),
    ).toBe('accepted');
  });

  test('refuses an SCT list that is not wrapped', () => {
    expect(refusal(() => draftLeaf(profile).tbsFinal(Uint8Array.of(0, 3, 0, 1, 1)))).not.toBe('accepted');
  });

  test('is read by sigstore-js, and its promise verifies there', () => {
    const draft = draftLeaf(profile);
    const timestampMs = BigInt(profile.notBeforeMs);
    const entry = {
      kind: 'precertificate',
      issuerKeyHash: issuerKeyHash(ca.certificate),
      tbs: draft.tbsLogged(),
    } as const;
    const bytes = formatSct({
      logId: logIdOf(pki.ctLog.spki),
      timestampMs,
      signature: pki.ctLog.sign(sctSignedInput(timestampMs, entry)),
    });
    const tbs = draft.tbsFinal(sctListExtension([bytes]));
    const final = assembleCertificate(tbs, draft.signatureAlgorithm, ca.key.sign(tbs));
    const read = SigstoreCertificate.parse(Buffer.from(final));
    expect(read.subjectAltName).toBe(profile.name.value);
    expect(read.verify(SigstoreCertificate.parse(Buffer.from(ca.certificate.der)))).toBe(true);
    expect(read.extSCT?.signedCertificateTimestamps).toHaveLength(1);

    const certificate = parseCertificate(final);
    verifyIssuedBy(certificate, ca.certificate);
    const [sct = new Uint8Array()] = parseSctListExtension(
      extensionValue(certificate, OID.sctList) ?? new Uint8Array(),
    );
    verifySct(parseSct(sct), { ...entry, tbs: loggedTbs(certificate.tbs) }, parsePublicKey(pki.ctLog.spki));
  });
});

function finish(draft: ReturnType<typeof draftLeaf>): Uint8Array {
  const tbs = draft.tbsFinal(sctListExtension([Uint8Array.of(1)]));
  return assembleCertificate(tbs, draft.signatureAlgorithm, ca.key.sign(tbs));
}

describe('a certificate', () => {
  const whole = finish(draftLeaf(profile));

  test('is refused when cut anywhere or followed by anything, always with a Fault', () => {
    for (let end = 0; end < whole.length; end++) {
      expect(refusal(() => parseCertificate(whole.subarray(0, end)))).toMatch(/^der\//);
    }
    expect(refusal(() => parseCertificate(concat(whole, Uint8Array.of(0))))).toBe('der/trailing');
  });

  test('answers any change of one octet with a Fault or a value', () => {
    for (let at = 0; at < whole.length; at++) {
      const changed = Uint8Array.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 0x81;
      refusal(() => parseCertificate(changed));
    }
  });

  test('is refused with an extension twice, or with two signature algorithms', () => {
    const { certificate } = pki.codeRoot;
    const other = draftLeaf({ ...profile, signatureAlgorithm: 'ed25519' }).signatureAlgorithm;
    expect(
      refusal(() => parseCertificate(assembleCertificate(certificate.tbs, other, Uint8Array.of(0)))),
    ).toBe('x509/algorithm-mismatch');
    const list = new der.DerReader(certificate.tbs).sequence();
    const members: Uint8Array[] = [];
    while (list.peek() !== 0xa3) members.push(list.element().encoding);
    const extensions = list.explicit(3).sequence();
    const [first] = [extensions.element().encoding];
    const twice = der.sequence(...members, der.explicit(3, der.sequence(first, first)));
    const whole = assembleCertificate(twice, certificate.signatureAlgorithm, Uint8Array.of(0));
    expect(refusal(() => parseCertificate(whole))).toBe('x509/duplicate-extension');
  });

  test('of every ceremony role is read alike by another library', () => {
    for (const { certificate } of [pki.codeRoot, ca, pki.timeRoot, pki.tsaIntermediate, pki.tsaLeaf]) {
      const read = AsnConvert.parse(buffer(certificate.der), PeculiarCertificate);
      expect(toHex(new Uint8Array(AsnSerializer.serialize(read)))).toBe(toHex(certificate.der));
      expect(read.tbsCertificate.validity.notBefore).toBeInstanceOf(Time);
      expect(read.tbsCertificate.validity.notAfter.getTime().getTime()).toBe(certificate.notAfterMs);
    }
  });

  test('of a ceremony ends with the second before it is no longer valid', () => {
    expect((pki.codeRoot.certificate.notAfterMs - GENESIS_MS + 1000) % 86_400_000).toBe(0);
  });

  test('has a name that people can read', () => {
    expect(nameText(ca.certificate.subjectDer)).toBe('CN=Example Code Intermediate, O=Example');
    expect(nameText(der.sequence())).toBe('');
  });
});

describe('a chain', () => {
  const chain = [parseCertificate(finish(draftLeaf(profile))), ca.certificate, pki.codeRoot.certificate];

  test('holds from leaf to root', () => {
    verifyChain(chain);
    verifyChain([pki.tsaLeaf, pki.tsaIntermediate, pki.timeRoot].map(({ certificate }) => certificate));
  });

  test('does not hold when a link is missing, foreign or not a CA', () => {
    const [leaf, , root] = chain;
    if (leaf === undefined || root === undefined) throw new Error('no chain');
    expect(refusal(() => verifyChain([leaf, root]))).toBe('x509/issuer');
    expect(refusal(() => verifyChain([leaf, ca.certificate]))).toBe('x509/issuer');
    expect(refusal(() => verifyChain([leaf]))).toBe('x509/chain');
    const impostor = softwareCa(
      'code-root',
      'Example Code Root',
      undefined,
      softwareKey('ecdsa-p384-sha384'),
    );
    expect(refusal(() => verifyChain([leaf, ca.certificate, impostor.certificate]))).toBe(
      'crypto/signature-mismatch',
    );
  });

  test('does not hold beyond a path length', () => {
    const below = softwareCa('code-intermediate', 'Below', ca, softwareKey());
    const under = softwareCa('code-intermediate', 'Under', below, softwareKey());
    const { certificate: root } = pki.codeRoot;
    expect(
      refusal(() => verifyChain([under, below, ca].map(({ certificate }) => certificate).concat(root))),
    ).toBe('x509/chain');
  });
});

describe('a ceremony draft', () => {
  const parts = {
    serial: profile.serial,
    subject: { country: 'DE', organisation: 'Example', commonName: 'X' },
    signatureAlgorithm: 'ecdsa-p256-sha256',
    spki: signer.spki,
    notBeforeMs: GENESIS_MS,
    untilMs: GENESIS_MS + 86_400_000,
  } as const;

  test('needs an issuer exactly when it does not sign itself', () => {
    expect(refusal(() => draftCaCertificate({ ...parts, role: 'code-intermediate' }))).toBe(
      'x509/issuer-missing',
    );
    expect(refusal(() => draftCaCertificate({ ...parts, role: 'time-root', issuer: ca.certificate }))).toBe(
      'x509/issuer-missing',
    );
    expect(refusal(() => draftCaCertificate({ ...parts, role: 'time-root' }))).toBe('accepted');
  });

  test('wants 16 to 20 random octets', () => {
    for (const length of [15, 21]) {
      expect(() =>
        draftCaCertificate({ ...parts, role: 'time-root', serial: new Uint8Array(length) }),
      ).toThrow(RangeError);
    }
  });
});

describe('a certificate request', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));

  function request(key = privateKey, hash = 'sha256', algorithm = '1.2.840.10045.4.3.2'): Uint8Array {
    const info = der.sequence(der.integer(0), der.sequence(), spki, der.explicit(0));
    return der.sequence(
      info,
      der.sequence(der.objectIdentifier(algorithm)),
      der.bitString(sign(hash, info, key)),
    );
  }

  test('is read when its own signature holds', () => {
    expect(parseCsr(request()).key.kind).toBe('ec-p256');
  });

  test('is refused when signed by another key, or naming another algorithm', () => {
    expect(
      refusal(() => parseCsr(request(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey))),
    ).toBe('crypto/signature-mismatch');
    expect(refusal(() => parseCsr(request(privateKey, 'sha256', '1.2.840.10045.4.3.3')))).toBe(
      'crypto/signature-mismatch',
    );
    expect(refusal(() => parseCsr(request(privateKey, 'sha1', '1.2.840.10045.4.1')))).toBe('x509/algorithm');
    expect(refusal(() => parseCsr(request(privateKey, 'sha256', '1.3.101.112')))).toBe('x509/algorithm');
  });

  test('is refused when cut anywhere, always with a Fault', () => {
    const whole = request();
    for (let end = 0; end < whole.length; end++)
      expect(refusal(() => parseCsr(whole.subarray(0, end)))).toMatch(/^der\//);
  });
});
