/** Certificate requests: a fresh P-256 key and proof of possession each, one token for all, as a busy builder has. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { parsePublicKey } from '#core/crypto';
import { parseSct, parseSctListExtension, verifySct } from '#core/ct';
import { fromBase64 } from '#core/octets';
import { parsePem } from '#core/pem';
import { extensionValue, issuerKeyHash, loggedTbs, OID, parseCertificate, verifyIssuedBy } from '#core/x509';
import { requestBytes } from '../connections.mjs';
import { fetchToken } from '../site.mjs';

/** @param {import('../site.mjs').Site} site */
export function certificateRequests(site) {
  const url = new URL('/api/v2/signingCert', site.origin);
  const logKeys = site.material.ctLogs.map(({ key }) => parsePublicKey(fromBase64(key.spki)));
  return {
    url,
    expected: 200,
    /** @param {number} count */
    async prepare(count) {
      const token = await fetchToken(site);
      return Array.from({ length: count }, () => {
        const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const body = Buffer.from(
          JSON.stringify({
            credentials: { oidcIdentityToken: token },
            publicKeyRequest: {
              publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) },
              proofOfPossession: sign('sha256', Buffer.from(site.identity), privateKey).toString('base64'),
            },
          }),
        );
        return { request: requestBytes('POST', url, { 'content-type': 'application/json' }, body), context: privateKey };
      });
    },
    /**
     * Every certificate answers for a key of its own, is signed by the intermediate, and carries a promise that holds.
     *
     * @param {readonly import('../drive.mjs').Answered[]} answered
     */
    check(answered) {
      const serials = new Set();
      for (const { answer } of answered) {
        const leaf = readChain(answer.body);
        serials.add(leaf.certificate.serial);
      }
      if (serials.size !== answered.length) throw new Error('two certificates have one serial number');
      for (const { answer } of sample(answered, 50)) {
        const { certificate, issuer } = readChain(answer.body);
        verifyIssuedBy(certificate, issuer);
        const [sct] = parseSctListExtension(/** @type {Uint8Array} */ (extensionValue(certificate, OID.sctList)));
        const entry = { kind: /** @type {const} */ ('precertificate'), issuerKeyHash: issuerKeyHash(issuer), tbs: loggedTbs(certificate.tbs) };
        const promise = parseSct(/** @type {Uint8Array} */ (sct));
        if (!logKeys.some((key) => holds(() => verifySct(promise, entry, key)))) throw new Error('a promise does not hold');
      }
    },
  };
}

/** @param {Buffer} body */
export function readChain(body) {
  const { certificates } = JSON.parse(body.toString('utf8')).signedCertificateEmbeddedSct.chain;
  const [leaf, issuer] = certificates.map((/** @type {string} */ pem) => parseCertificate(/** @type {{ der: Uint8Array }} */ (parsePem(pem)[0]).der));
  return { pem: /** @type {string} */ (certificates[0]), certificate: leaf, issuer };
}

/** @template T @param {readonly T[]} all @param {number} count evenly spread @returns {T[]} */
export function sample(all, count) {
  const step = Math.max(1, Math.floor(all.length / count));
  return all.filter((_, at) => at % step === 0);
}

/** @param {() => void} proof */
function holds(proof) {
  try {
    proof();
    return true;
  } catch {
    return false;
  }
}
