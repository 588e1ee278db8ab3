/**
 * The two structures that are written by hand, against the object models of another author in the same run.
 *
 * Both hand-written drafts are byte-compared with these libraries in the unit tests; here only their price is asked.
 */
import 'reflect-metadata';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { ContentInfo, SignedData } from '@peculiar/asn1-cms';
import { AsnConvert, AsnSerializer, AsnUtf8StringConverter, OctetString } from '@peculiar/asn1-schema';
import * as asn1 from '@peculiar/asn1-x509';
import { sctListExtension } from '#core/ct';
import { DerReader } from '#core/der';
import { fromBase64 } from '#core/octets';
import { draftToken, parseTimestampRequest, SIGSTORE_POLICY } from '#core/timestamp';
import { draftLeaf, FULCIO_BY_OID, parseCertificate } from '#core/x509';
import { median } from './drive.mjs';

const SERIAL = Uint8Array.from({ length: 20 }, (_, at) => at + 1);
/** SHA-256 imprint of 32 zero octets, with certificate. */
const REQUEST = Buffer.from(`30390201013031300d060960864801650304020105000420${'00'.repeat(32)}0101ff`, 'hex');

/** Median microseconds of a call, over batches. @param {() => unknown} call @param {number} calls a batch */
function microseconds(call, calls) {
  const times = [];
  for (let batch = 0; batch < 11; batch++) {
    const begun = performance.now();
    for (let each = 0; each < calls; each++) call();
    // The first batches are for the compiler.
    if (batch >= 4) times.push(((performance.now() - begun) * 1000) / calls);
  }
  return median(times);
}

/** @param {import('./site.mjs').Site} site */
export function measureDrafts({ material }) {
  const [authority] = material.certificateAuthorities;
  const [timestamps] = material.timestampAuthorities;
  if (authority === undefined || timestamps === undefined) throw new Error('the trust material names no authority');
  const issuer = parseCertificate(fromBase64(/** @type {string} */ (authority.chain[0])));
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const profile = {
    serial: SERIAL,
    issuer,
    signatureAlgorithm: /** @type {const} */ ('ecdsa-p384-sha384'),
    notBeforeMs: 1_800_000_000_000,
    notAfterMs: 1_800_000_600_000,
    spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    name: /** @type {const} */ ({ kind: 'uri', value: 'https://git.example/team/app/.ci/release.yml@refs/heads/main' }),
    oidcIssuer: 'https://id.example',
    extensions: [2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24].map(
      (number) => /** @type {[string, string]} */ ([`1.3.6.1.4.1.57264.1.${number}`, `value ${number}`]),
    ),
  };
  const sctList = sctListExtension([new Uint8Array(119)]);
  const leaf = microseconds(() => {
    const draft = draftLeaf(profile);
    draft.tbsPrecert();
    draft.tbsFinal(sctList);
  }, 300);
  const peculiarLeaf = microseconds(() => {
    peculiarTbs(profile, new asn1.Extension({ extnID: '1.3.6.1.4.1.11129.2.4.3', critical: true, extnValue: new OctetString(buffer(Uint8Array.of(5, 0))) }));
    peculiarTbs(profile, new asn1.Extension({ extnID: '1.3.6.1.4.1.11129.2.4.2', critical: false, extnValue: new OctetString(buffer(sctList)) }));
  }, 10);

  const signature = Buffer.from('3006020101020101', 'hex');
  const token = () =>
    draftToken({
      request: parseTimestampRequest(REQUEST),
      serial: SERIAL,
      genTimeMs: 1_800_000_000_000,
      policy: SIGSTORE_POLICY,
      leafCertificate: tsaLeaf,
      signatureAlgorithm: 'ecdsa-p256-sha256',
    }).assemble(signature);
  const tsaLeaf = parseCertificate(fromBase64(/** @type {string} */ (timestamps.chain[0])));
  const hand = microseconds(token, 300);
  const model = readToken(token());
  const peculiarToken = microseconds(
    () => AsnSerializer.serialize(new ContentInfo({ contentType: '1.2.840.113549.1.7.2', content: AsnSerializer.serialize(model) })),
    20,
  );
  return { leaf, peculiarLeaf, token: hand, peculiarToken };
}

/** @param {Uint8Array} bytes */
function buffer(bytes) {
  return Uint8Array.from(bytes).buffer;
}

/** The object model of the same token, so that the library only has to write it. @param {Uint8Array} response */
function readToken(response) {
  const members = new DerReader(response).sequence();
  members.element();
  const content = AsnConvert.parse(Buffer.from(members.element().encoding), ContentInfo);
  return AsnConvert.parse(content.content, SignedData);
}

/** @param {any} from @param {asn1.Extension} last */
function peculiarTbs(from, last) {
  const extension = (/** @type {string} */ extnID, /** @type {boolean} */ critical, /** @type {ArrayBuffer} */ value) =>
    new asn1.Extension({ extnID, critical, extnValue: new OctetString(value) });
  const spki = AsnConvert.parse(buffer(from.spki), asn1.SubjectPublicKeyInfo);
  const issuerSpki = AsnConvert.parse(buffer(from.issuer.spki), asn1.SubjectPublicKeyInfo);
  const identifier = (/** @type {ArrayBuffer} */ bits) => buffer(createHash('sha1').update(new Uint8Array(bits)).digest());
  const texts = new Map([['1.3.6.1.4.1.57264.1.1', from.oidcIssuer], ['1.3.6.1.4.1.57264.1.8', from.oidcIssuer], ...from.extensions]);
  const fulcio = [...FULCIO_BY_OID.values()].flatMap(({ oid, encoding }) => {
    const text = texts.get(oid);
    if (text === undefined) return [];
    return [extension(oid, false, encoding === 'raw' ? buffer(Buffer.from(text)) : AsnUtf8StringConverter.toASN(text).toBER())];
  });
  const tbs = new asn1.TBSCertificate({
    version: 2,
    serialNumber: buffer(from.serial),
    signature: new asn1.AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.3' }),
    issuer: AsnConvert.parse(buffer(from.issuer.subjectDer), asn1.Name),
    validity: new asn1.Validity({ notBefore: new Date(from.notBeforeMs), notAfter: new Date(from.notAfterMs) }),
    subject: new asn1.Name(),
    subjectPublicKeyInfo: spki,
    extensions: new asn1.Extensions([
      extension('2.5.29.15', true, AsnSerializer.serialize(new asn1.KeyUsage(asn1.KeyUsageFlags.digitalSignature))),
      extension('2.5.29.37', false, AsnSerializer.serialize(new asn1.ExtendedKeyUsage(['1.3.6.1.5.5.7.3.3']))),
      extension('2.5.29.14', false, AsnSerializer.serialize(new asn1.SubjectKeyIdentifier(identifier(spki.subjectPublicKey)))),
      extension('2.5.29.35', false, AsnSerializer.serialize(new asn1.AuthorityKeyIdentifier({ keyIdentifier: new asn1.KeyIdentifier(identifier(issuerSpki.subjectPublicKey)) }))),
      extension('2.5.29.17', true, AsnSerializer.serialize(new asn1.SubjectAlternativeName([new asn1.GeneralName({ uniformResourceIdentifier: from.name.value })]))),
      ...fulcio,
      last,
    ]),
  });
  return AsnSerializer.serialize(tbs);
}
