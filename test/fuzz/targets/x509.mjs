import { X509Certificate } from 'node:crypto';
import { bytes, certificates, made, spkis } from '../seeds/seeds.mjs';
import { fromBuild, holds, same } from '../targets.mjs';

const x509 = await fromBuild('libs/core/x509/src/index.js');
const der = await fromBuild('libs/core/der/src/index.js');
const { parsePublicKey } = await fromBuild('libs/core/crypto/src/index.js');

const parsed = certificates.map((one) => x509.parseCertificate(one));
const values = (oid) => [
  ...new Map(
    parsed.flatMap(({ extensions }) =>
      extensions
        .filter((one) => one.oid === oid)
        .map(({ value }) => [Buffer.from(value).toString('hex'), value]),
    ),
  ).values(),
];
const { OID } = x509;
const issuer =
  parsed.find(({ subjectDer }) => Buffer.compare(subjectDer, parsed[0].issuerDer) === 0) ?? parsed[0];
const contextOf = (role) => ({ role, issuer, mode: 'evaluation', plannedAtMs: parsed[0].notBeforeMs });
const tbs = parsed.map((one) => one.tbs);

/**
 * What we take for a certificate, OpenSSL must take for the same one, as far as it takes it at all: it refuses some
 * that a log must be able to hold, and reads keys only when they are asked for.
 */
function agreesWithOpenssl(certificate, input) {
  const theirs = attempt(() => new X509Certificate(input));
  if (theirs === undefined) return;
  same(theirs.raw, input, 'OpenSSL reads the same octets');
  holds(
    certificate.serial < 0n || BigInt(`0x${theirs.serialNumber}`) === certificate.serial,
    'OpenSSL reads the same serial number',
  );
  const [from, until] = [Date.parse(theirs.validFrom), Date.parse(theirs.validTo)];
  if (from > 0 && until > 0)
    holds(
      from === certificate.notBeforeMs && until === certificate.notAfterMs,
      'OpenSSL reads the same validity',
    );
  const key = attempt(() => theirs.publicKey.export({ format: 'der', type: 'spki' }));
  // A key that OpenSSL spells in another way is refused where it would be used: #core/crypto.
  if (key !== undefined && attempt(() => parsePublicKey(certificate.spki)) !== undefined)
    same(key, certificate.spki, 'OpenSSL reads the same key');
}

function attempt(work) {
  try {
    return work();
  } catch {
    return undefined;
  }
}

export const targets = [
  {
    id: 'core/x509:parseCertificate',
    form: 'der',
    seeds: certificates,
    run(read, input) {
      const certificate = read(input);
      same(
        x509.assembleCertificate(certificate.tbs, certificate.signatureAlgorithm, certificate.signature),
        input,
        'a certificate is its three parts',
      );
      agreesWithOpenssl(certificate, input);
    },
  },
  {
    id: 'core/x509:parseTbs',
    form: 'der',
    seeds: tbs,
    run: (read, input) => same(read(input).tbs, input, 'what is signed is all of it'),
  },
  {
    id: 'core/x509:loggedTbs',
    form: 'der',
    seeds: tbs,
    run(logged, input) {
      const without = x509.parseTbs(logged(input));
      holds(
        !without.extensions.some(({ oid }) => oid === OID.sctList || oid === OID.precertificatePoison),
        'what is logged holds neither poison nor promises',
      );
      same(logged(without.tbs), without.tbs, 'what is logged is logged as it stands');
    },
  },
  { id: 'core/x509:parseCsr', form: 'der', seeds: made.csrs.map(bytes) },
  { id: 'core/x509:parseSpki', form: 'der', seeds: spkis },
  {
    id: 'core/x509:keyIdentifierOf',
    form: 'der',
    seeds: spkis,
    run: (read, input) => holds(read(input).length === 20, 'a key identifier has 20 octets'),
  },
  {
    id: 'core/x509:parseName',
    form: 'der',
    seeds: parsed.flatMap(({ subjectDer, issuerDer }) => [subjectDer, issuerDer]),
  },
  {
    id: 'core/x509:nameText',
    form: 'der',
    seeds: parsed.flatMap(({ subjectDer, issuerDer }) => [subjectDer, issuerDer]),
    run: (read, input) => holds(typeof read(input) === 'string', 'a name has a text'),
  },
  { id: 'core/trust:certificateName', form: 'der', seeds: parsed.map(({ subjectDer }) => subjectDer) },
  {
    id: 'core/x509:signatureScheme',
    form: 'der',
    seeds: parsed.map(({ signatureAlgorithm }) => signatureAlgorithm),
  },
  {
    id: 'core/x509:verifyWithAlgorithm',
    form: 'der',
    seeds: parsed.map(({ signatureAlgorithm }) => signatureAlgorithm),
    run: (verify, input) => verify(parsePublicKey(spkis[0]), input, tbs[0], parsed[0].signature),
    seedsMayBeRefused: true,
  },
  {
    id: 'core/x509:parseKeyUsage',
    form: 'der',
    seeds: values(OID.keyUsage),
    run: (read, input) => same(der.namedBits(...read(input)), input, 'named bits have one spelling'),
  },
  {
    id: 'core/x509:parseExtendedKeyUsage',
    form: 'der',
    seeds: values(OID.extendedKeyUsage),
    run: (read, input) =>
      same(
        der.sequence(...read(input).map((oid) => der.objectIdentifier(oid))),
        input,
        'purposes are written as they were read',
      ),
  },
  {
    id: 'core/x509:parseBasicConstraints',
    form: 'der',
    seeds: values(OID.basicConstraints),
    run: (read, input) => {
      const { ca, pathLength } = read(input);
      same(
        der.sequence(
          ...(ca ? [der.boolean(true)] : []),
          ...(pathLength === undefined ? [] : [der.integer(pathLength)]),
        ),
        input,
        'constraints are written as they were read',
      );
    },
  },
  {
    id: 'core/x509:parseSubjectKeyIdentifier',
    form: 'der',
    seeds: values(OID.subjectKeyIdentifier),
    run: (read, input) =>
      same(der.octetString(read(input)), input, 'an identifier is written as it was read'),
  },
  { id: 'core/x509:parseAuthorityKeyIdentifier', form: 'der', seeds: values(OID.authorityKeyIdentifier) },
  { id: 'core/x509:parseSubjectAltNames', form: 'der', seeds: values(OID.subjectAltName) },
  {
    id: 'core/x509:lintCertificate',
    form: 'der',
    seeds: certificates,
    run: (lint, input) => {
      for (const role of ['code-leaf', 'code-intermediate']) lint(input, contextOf(role));
    },
  },
  {
    id: 'core/x509:lintTbs',
    form: 'der',
    seeds: tbs,
    run: (lint, input) => lint(input, contextOf('precertificate')),
  },
  {
    id: 'core/x509:lintLeaf',
    form: 'der',
    seeds: tbs.slice(0, 2),
    run: (lint, input) => {
      for (const phase of ['precertificate', 'final'])
        lint(input, phase, issuer, { mode: 'evaluation', plannedAtMs: parsed[0].notBeforeMs });
    },
  },
  { id: 'core/entry/certificate:readSignerCertificate', form: 'der', seeds: certificates },
  { id: 'ceremony/certificate-second-reader:readCertificateTwice', form: 'der', seeds: certificates },
];
