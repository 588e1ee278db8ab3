/**
 * The negative corpus: a good certificate of every role passes all rows, and for every row a certificate
 * broken in one place gets exactly that finding.
 *
 * Long because it is one table: a row of the lints without its broken certificate beside it would not be missed.
 */
import { describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import * as der from '#core/der';
import { toHex } from '#core/octets';
import { formatSct, sctListExtension } from '#core/ct';
import {
  fullLeafProfile,
  GENESIS_MS,
  type SoftwareCa,
  softwareKey,
  softwarePki,
} from '../../../../test/kit/software-pki.js';
import { formatExtension } from './extension.js';
import {
  algorithmIdentifier,
  assembleCertificate,
  type Certificate,
  draftLeaf,
  type Finding,
  formatName,
  lintCertificate,
  type LintContext,
  type LintRole,
  LINTS,
  lintTbs,
  OID,
  parseCertificate,
  parseTbs,
  type TbsCertificate,
} from './index.js';

const pki = softwarePki();
const DAY_MS = 86_400_000;

/** The parts of a TBS as a mutation may change them. */
interface Parts {
  version: number;
  serial: Uint8Array;
  algorithm: Uint8Array;
  issuer: Uint8Array;
  validity: readonly [Uint8Array, Uint8Array];
  subject: Uint8Array;
  spki: Uint8Array;
  extensions: { oid: string; critical: boolean; value: Uint8Array }[];
}

function partsOf(tbs: TbsCertificate): Parts {
  return {
    version: tbs.version,
    serial: der.integer(tbs.serial),
    algorithm: tbs.signatureAlgorithm,
    issuer: tbs.issuerDer,
    validity: [der.time(tbs.notBeforeMs), der.time(tbs.notAfterMs)],
    subject: tbs.subjectDer,
    spki: tbs.spki,
    extensions: tbs.extensions.map((extension) => ({ ...extension })),
  };
}

function tbsOf(parts: Parts): Uint8Array {
  return der.sequence(
    ...(parts.version === 1 ? [] : [der.explicit(0, der.integer(parts.version - 1))]),
    parts.serial,
    parts.algorithm,
    parts.issuer,
    der.sequence(...parts.validity),
    parts.subject,
    parts.spki,
    der.explicit(
      3,
      der.sequence(
        ...parts.extensions.map(({ oid, critical, value }) => formatExtension(oid, critical, value)),
      ),
    ),
  );
}

const { codeIntermediate } = pki;
const signer = softwareKey();
const sctList = sctListExtension([
  formatSct({ logId: new Uint8Array(32), timestampMs: 1n, signature: Uint8Array.of(1) }),
]);
const leafDraft = draftLeaf(fullLeafProfile(codeIntermediate, signer.spki));

const GOOD: Readonly<Record<LintRole, { tbs: Uint8Array; issuer: Certificate | undefined }>> = {
  'code-root': { tbs: pki.codeRoot.certificate.tbs, issuer: undefined },
  'time-root': { tbs: pki.timeRoot.certificate.tbs, issuer: undefined },
  'code-intermediate': { tbs: codeIntermediate.certificate.tbs, issuer: pki.codeRoot.certificate },
  'tsa-intermediate': { tbs: pki.tsaIntermediate.certificate.tbs, issuer: pki.timeRoot.certificate },
  'tsa-leaf': { tbs: pki.tsaLeaf.certificate.tbs, issuer: pki.tsaIntermediate.certificate },
  precertificate: { tbs: leafDraft.tbsPrecert(), issuer: codeIntermediate.certificate },
  'code-leaf': { tbs: leafDraft.tbsFinal(sctList), issuer: codeIntermediate.certificate },
};

function lint(role: LintRole, tbs: Uint8Array, context: Partial<LintContext> = {}): Finding[] {
  const { issuer } = GOOD[role];
  return lintTbs(tbs, { role, ...(issuer === undefined ? {} : { issuer }), mode: 'production', ...context });
}

interface Sample {
  readonly role: LintRole;
  readonly breaks?: (parts: Parts) => void;
  readonly context?: Partial<LintContext>;
}

function extension(parts: Parts, oid: string): { oid: string; critical: boolean; value: Uint8Array } {
  const found = parts.extensions.find((candidate) => candidate.oid === oid);
  if (found === undefined) throw new Error(`the good certificate has no ${oid}`);
  return found;
}

function value(oid: string, replacement: Uint8Array): (parts: Parts) => void {
  return (parts) => {
    extension(parts, oid).value = replacement;
  };
}

function without(oid: string): (parts: Parts) => void {
  return (parts) => {
    parts.extensions = parts.extensions.filter((candidate) => candidate.oid !== oid);
  };
}

function added(oid: string, critical: boolean, content: Uint8Array): (parts: Parts) => void {
  return (parts) => {
    parts.extensions.push({ oid, critical, value: content });
  };
}

/** A name of attributes given as [oid, value] in relative names of their own. */
function name(...attributes: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  return der.sequence(
    ...attributes.map(([oid, content]) => der.setOf(der.sequence(der.objectIdentifier(oid), content))),
  );
}

const [C, O, CN] = ['2.5.4.6', '2.5.4.10', '2.5.4.3'];
const purposes = (...oids: readonly string[]): Uint8Array => der.sequence(...oids.map(der.objectIdentifier));

/** Key and everything that follows from it. */
function rekey(spki: Uint8Array): (parts: Parts) => void {
  return (parts) => {
    parts.spki = spki;
    extension(parts, OID.subjectKeyIdentifier).value = der.octetString(keyName(spki));
  };
}
function keyName(spki: Uint8Array): Uint8Array {
  const donor = parseTbs(draftLeaf({ ...fullLeafProfile(codeIntermediate, spki) }).tbsLogged());
  return new der.DerReader(
    donor.extensions.find(({ oid }) => oid === OID.subjectKeyIdentifier)?.value ?? new Uint8Array(),
  ).octets();
}
function spkiOf(type: 'rsa' | 'ed25519', bits = 2048): Uint8Array {
  const { publicKey } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: bits }) : generateKeyPairSync('ed25519');
  return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
}

const codeSigningIssuer = (ca: SoftwareCa): Certificate => {
  const parts = partsOf(ca.certificate);
  extension(parts, OID.extendedKeyUsage).value = purposes(OID.timeStamping);
  const tbs = tbsOf(parts);
  return parseCertificate(assembleCertificate(tbs, parts.algorithm, Uint8Array.of(1)));
};

const BAD: Readonly<Record<string, readonly Sample[]>> = {
  S1: [{ role: 'code-leaf', breaks: (parts) => void (parts.version = 1) }],
  S2: [
    { role: 'code-leaf', breaks: (parts) => void (parts.serial = der.integer(-(2n ** 150n))) },
    { role: 'code-root', breaks: (parts) => void (parts.serial = der.integer(0n)) },
    { role: 'code-root', breaks: (parts) => void (parts.serial = der.integer(2n ** 160n)) },
  ],
  S3: [{ role: 'code-leaf', breaks: (parts) => void (parts.serial = der.integer(2n ** 63n)) }],
  S4: [{ role: 'code-leaf', context: { usedSerials: new Set([parseTbs(GOOD['code-leaf'].tbs).serial]) } }],
  V1: [
    {
      role: 'code-root',
      breaks: (parts) => void (parts.validity = [der.generalizedTime(GENESIS_MS), parts.validity[1]]),
    },
  ],
  V2: [
    {
      role: 'code-root',
      breaks: (parts) => void (parts.validity = [der.time(GENESIS_MS), der.time(GENESIS_MS - 5000)]),
    },
  ],
  V3: [
    {
      role: 'code-leaf',
      breaks: (parts) =>
        void (parts.validity = [der.time(GENESIS_MS + DAY_MS), der.time(GENESIS_MS + DAY_MS + 601_000)]),
    },
    {
      role: 'code-root',
      breaks: (parts) =>
        void (parts.validity = [der.time(GENESIS_MS), der.time(GENESIS_MS + 26 * 366 * DAY_MS - 1000)]),
    },
  ],
  V4: [
    {
      role: 'code-root',
      breaks: (parts) => void (parts.validity = [der.time(GENESIS_MS), der.time(GENESIS_MS + 365 * DAY_MS)]),
    },
  ],
  V5: [{ role: 'code-root', context: { plannedAtMs: GENESIS_MS + 2 * DAY_MS } }],
  V6: [
    {
      role: 'code-intermediate',
      breaks: (parts) => void (parts.validity = [der.time(GENESIS_MS - 2000), parts.validity[1]]),
    },
    {
      role: 'code-leaf',
      breaks: (parts) => void (parts.validity = [der.time(GENESIS_MS - 60_000), der.time(GENESIS_MS)]),
    },
  ],
  N1: [
    {
      role: 'code-leaf',
      breaks: (parts) => void (parts.issuer = formatName({ organisation: 'Other', commonName: 'Other' })),
    },
  ],
  N2: [
    {
      role: 'code-intermediate',
      breaks: (parts) => void (parts.subject = name([O, der.utf8String('')], [CN, der.utf8String('x')])),
    },
  ],
  N3: [
    {
      role: 'code-intermediate',
      breaks: (parts) =>
        void (parts.subject = name([O, der.utf8String(' Example')], [CN, der.utf8String('x')])),
    },
    {
      role: 'code-intermediate',
      breaks: (parts) =>
        void (parts.subject = name([O, der.ia5String('Example')], [CN, der.utf8String('x')])),
    },
    {
      role: 'tsa-leaf',
      breaks: (parts) =>
        void (parts.subject = name([O, der.utf8String('o'.repeat(65))], [CN, der.utf8String('x')])),
    },
  ],
  N4: [
    {
      role: 'code-intermediate',
      breaks: (parts) =>
        void (parts.subject = name(
          [C, der.printableString('de')],
          [O, der.utf8String('x')],
          [CN, der.utf8String('x')],
        )),
    },
  ],
  N5: [
    {
      role: 'code-intermediate',
      breaks: (parts) =>
        void (parts.subject = der.sequence(
          der.setOf(...[O, CN].map((oid) => der.sequence(der.objectIdentifier(oid), der.utf8String('x')))),
        )),
    },
  ],
  N6: [
    {
      role: 'code-intermediate',
      context: { otherSubjects: new Set([toHex(codeIntermediate.certificate.subjectDer)]) },
    },
  ],
  N7: [
    { role: 'code-intermediate', breaks: (parts) => void (parts.subject = name([CN, der.utf8String('x')])) },
  ],
  K1: [
    { role: 'tsa-leaf', breaks: rekey(softwareKey('ecdsa-p384-sha384').spki) },
    { role: 'code-intermediate', breaks: rekey(spkiOf('ed25519')) },
  ],
  K2: [{ role: 'code-leaf', breaks: rekey(spkiOf('rsa', 1024)) }],
  K3: [
    {
      role: 'code-leaf',
      breaks: (parts) => {
        const offCurve = Uint8Array.from(parts.spki);
        offCurve[offCurve.length - 1] = (offCurve.at(-1) ?? 0) ^ 1;
        rekey(offCurve)(parts);
      },
    },
  ],
  K4: [
    {
      role: 'code-leaf',
      breaks: (parts) =>
        void (parts.algorithm = der.sequence(der.objectIdentifier('1.2.840.10045.4.3.3'), der.nullValue())),
    },
  ],
  K5: [
    {
      role: 'code-leaf',
      breaks: (parts) => void (parts.algorithm = algorithmIdentifier('ecdsa-p256-sha256')),
    },
  ],
  K7: [
    {
      role: 'code-intermediate',
      context: { otherKeys: new Set([toHex(codeIntermediate.certificate.spki)]) },
    },
    { role: 'code-intermediate', breaks: rekey(pki.codeRoot.key.spki) },
  ],
  B1: [
    { role: 'code-intermediate', breaks: without(OID.basicConstraints) },
    { role: 'tsa-leaf', breaks: added(OID.basicConstraints, true, der.sequence()) },
  ],
  B2: [
    { role: 'code-intermediate', breaks: value(OID.basicConstraints, der.sequence(der.boolean(true))) },
    {
      role: 'code-root',
      breaks: value(OID.basicConstraints, der.sequence(der.boolean(true), der.integer(1))),
    },
  ],
  B3: [
    { role: 'code-intermediate', breaks: value(OID.keyUsage, der.namedBits(0, 5, 6)) },
    { role: 'code-leaf', breaks: without(OID.keyUsage) },
  ],
  B4: [{ role: 'code-root', breaks: added(OID.extendedKeyUsage, false, purposes(OID.codeSigning)) }],
  B5: [
    { role: 'code-intermediate', breaks: without(OID.extendedKeyUsage) },
    {
      role: 'code-intermediate',
      breaks: value(OID.extendedKeyUsage, purposes(OID.codeSigning, OID.timeStamping)),
    },
  ],
  B6: [
    { role: 'tsa-leaf', breaks: (parts) => void (extension(parts, OID.extendedKeyUsage).critical = false) },
  ],
  B7: [{ role: 'tsa-intermediate', breaks: without(OID.extendedKeyUsage) }],
  B8: [{ role: 'code-leaf', context: { issuer: codeSigningIssuer(codeIntermediate) } }],
  X1: [
    {
      role: 'code-intermediate',
      breaks: value(OID.subjectKeyIdentifier, der.octetString(new Uint8Array(20))),
    },
  ],
  X2: [
    { role: 'code-leaf', breaks: without(OID.authorityKeyIdentifier) },
    {
      role: 'code-leaf',
      breaks: value(OID.authorityKeyIdentifier, der.sequence(der.implicitPrimitive(0, new Uint8Array(20)))),
    },
  ],
  X3: [{ role: 'code-intermediate', breaks: added(OID.nameConstraints, true, der.sequence()) }],
  X4: [{ role: 'code-root', breaks: added(OID.certificatePolicies, false, der.sequence()) }],
  X5: [
    { role: 'code-root', breaks: (parts) => void parts.extensions.push(...parts.extensions.slice(0, 1)) },
    { role: 'code-root', breaks: added('1.2.3.4', false, der.nullValue()) },
    { role: 'code-root', breaks: (parts) => void (extension(parts, OID.keyUsage).critical = false) },
    { role: 'code-root', breaks: value(OID.keyUsage, Uint8Array.of(3, 2, 0, 6)) },
    { role: 'code-leaf', breaks: value(OID.keyUsage, Uint8Array.of(3, 2, 7, 0xff)) },
    { role: 'code-leaf', breaks: value(OID.subjectKeyIdentifier, der.nullValue()) },
  ],
  X6: [{ role: 'code-root', breaks: added(OID.authorityInfoAccess, false, der.sequence()) }],
  X7: [
    { role: 'code-root', context: { mode: 'rehearsal' } },
    { role: 'code-root', breaks: added(OID.rehearsal, true, der.nullValue()) },
  ],
  X8: [{ role: 'tsa-leaf', breaks: added(OID.subjectAltName, true, der.sequence()) }],
  X9: [
    { role: 'code-leaf', breaks: (parts) => void (extension(parts, OID.extendedKeyUsage).critical = true) },
  ],
  F1: [
    {
      role: 'code-leaf',
      breaks: (parts) => void (parts.subject = formatName({ organisation: 'x', commonName: 'x' })),
    },
  ],
  F2: [
    { role: 'code-leaf', breaks: without(OID.subjectAltName) },
    {
      role: 'code-leaf',
      breaks: value(
        OID.subjectAltName,
        der.sequence(der.implicitPrimitive(2, der.ia5Content('host.example'))),
      ),
    },
  ],
  F3: [
    { role: 'code-leaf', breaks: without('1.3.6.1.4.1.57264.1.1') },
    { role: 'code-leaf', breaks: value('1.3.6.1.4.1.57264.1.8', der.utf8String('https://other.example')) },
  ],
  F4: [{ role: 'code-leaf', breaks: value('1.3.6.1.4.1.57264.1.9', der.ia5String('x')) }],
  F5: [{ role: 'code-leaf', breaks: (parts) => void parts.extensions.reverse() }],
  F6: [
    { role: 'code-leaf', breaks: without(OID.sctList) },
    { role: 'precertificate', breaks: added(OID.sctList, false, sctList) },
    { role: 'precertificate', breaks: without(OID.precertificatePoison) },
  ],
  F7: [
    {
      role: 'code-leaf',
      breaks: (parts) => void (parts.serial = der.integer(codeIntermediate.certificate.serial)),
    },
  ],
};

describe('lints', () => {
  test.each(Object.keys(GOOD) as LintRole[])('find nothing in a good %s', (role) => {
    expect(lint(role, GOOD[role].tbs)).toEqual([]);
    expect(lint(role, tbsOf(partsOf(parseTbs(GOOD[role].tbs))))).toEqual([]);
  });

  const rows = Object.entries(BAD).flatMap(([id, samples]) =>
    samples.map((sample, index): [string, number, Sample] => [id, index + 1, sample]),
  );
  test.each(rows)('%s alone fires on its bad sample %i', (id, _, { role, breaks, context }) => {
    const parts = partsOf(parseTbs(GOOD[role].tbs));
    breaks?.(parts);
    const findings = lint(role, tbsOf(parts), context);
    expect(findings.map((finding) => finding.id)).toEqual([id]);
  });

  test('K8 alone fires on a signature by another key', () => {
    const { tbs } = codeIntermediate.certificate;
    const context = { role: 'code-intermediate', issuer: pki.codeRoot.certificate } as const;
    expect(lintCertificate(codeIntermediate.certificate.der, context)).toEqual([]);
    const forged = assembleCertificate(
      tbs,
      algorithmIdentifier('ecdsa-p384-sha384'),
      pki.timeRoot.key.sign(tbs),
    );
    expect(lintCertificate(forged, context).map(({ id }) => id)).toEqual(['K8']);
  });

  test('K2 recognises each weakness of an RSA key', () => {
    const rsa = (modulus: bigint, exponent = 65_537n): Uint8Array =>
      der.sequence(
        der.sequence(der.objectIdentifier('1.2.840.113549.1.1.1'), der.nullValue()),
        der.bitString(der.sequence(der.integer(modulus), der.integer(exponent))),
      );
    const messages = (spki: Uint8Array): string[] => {
      const parts = partsOf(parseTbs(GOOD['code-leaf'].tbs));
      rekey(spki)(parts);
      return lint('code-leaf', tbsOf(parts)).map(({ id, message }) => `${id}: ${message}`);
    };
    const modulusOf = (bits: number): bigint =>
      BigInt(
        `0x${Buffer.from(generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' }).n ?? '', 'base64url').toString('hex')}`,
      );
    const good = modulusOf(2048);
    expect(messages(rsa(good))).toEqual([]);
    expect(messages(rsa(good, 3n))).toEqual(['K2: the RSA exponent is not 65537']);
    expect(messages(rsa(good - 1n))).toEqual(['K2: the RSA modulus has a small factor']);
    // 65537^i modulo the product of the primes looks like a key of the weak generator in every residue.
    const primes = [
      11n,
      13n,
      17n,
      19n,
      37n,
      53n,
      61n,
      71n,
      73n,
      79n,
      97n,
      103n,
      107n,
      109n,
      127n,
      151n,
      157n,
    ];
    const product = primes.reduce((all, prime) => all * prime, 1n);
    let roca = 65_537n ** 5n % product;
    const multiples = (1n << 2047n) / product + 1n;
    roca += multiples * product;
    while ([2n, 3n, 5n, 7n, 23n, 29n, 31n, 41n, 43n, 47n, 59n, 67n].some((prime) => roca % prime === 0n))
      roca += product;
    expect(messages(rsa(roca))).toEqual(['K2: the RSA key was made by a generator with a known weakness']);
    const close = (1n << 1023n) + 1155n * 2n + 1n;
    const nearby = [close, close + 2n ** 20n].reduce((a, b) => a * b);
    expect(messages(rsa(nearby)).join()).toMatch(/K2: the (RSA modulus has|factors)/);
  });

  test('have a row in the corpus for every identifier, and identifiers are unique', () => {
    const ids = LINTS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...Object.keys(BAD), 'K8'].sort()).toEqual([...ids].sort());
  });

  test('accept every kind of signer key in a leaf', () => {
    for (const spki of [spkiOf('rsa'), spkiOf('ed25519'), softwareKey('ecdsa-p384-sha384').spki]) {
      const draft = draftLeaf(fullLeafProfile(codeIntermediate, spki));
      expect(lint('precertificate', draft.tbsPrecert())).toEqual([]);
    }
  });

  test('accept rehearsal certificates in a rehearsal', () => {
    const profile = { ...fullLeafProfile(codeIntermediate, signer.spki), rehearsal: true };
    expect(lint('code-leaf', draftLeaf(profile).tbsFinal(sctList), { mode: 'rehearsal' })).toEqual([]);
    expect(lint('code-leaf', draftLeaf(profile).tbsFinal(sctList)).map(({ id }) => id)).toEqual(['X7']);
  });

  test('never throw anything but a Fault on mangled certificates', () => {
    const good = GOOD['code-leaf'].tbs;
    for (let at = 0; at < good.length; at++) {
      const mangled = Uint8Array.from(good);
      mangled[at] = (mangled[at] ?? 0) ^ 0x55;
      try {
        lint('code-leaf', mangled);
      } catch (error) {
        expect((error as Error).name).toBe('Fault');
      }
    }
  });
});
