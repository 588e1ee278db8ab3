/**
 * Evaluation's TLS: a private authority and one certificate for the loopback addresses it answers on.
 *
 * The authority's key exists only while this runs. It signs one certificate and is forgotten, so there is no key
 * on disk with which somebody could make clients of this installation trust another server.
 *
 * Runs under the pinned Node.js, after npm's packages are there.
 */
import { randomBytes, webcrypto } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { ensureDirectory, removeTree, writeWhole } from './files.mjs';

const day = 24 * 60 * 60 * 1000;
const lifetimeDays = 730;
const renewBeforeDays = 30;

/**
 * @param {string} directory gets ca.pem, server.pem, server.key
 * @param {{addresses: readonly string[], organisation: string}} names
 * @returns {Promise<string>}
 */
export async function ensurePrivateTls(directory, names) {
  const present = join(directory, 'server.pem');
  if (existsSync(present)) {
    const left = Date.parse(new X509Certificate(readFileSync(present)).validTo) - Date.now();
    if (left > renewBeforeDays * day) return `valid for ${Math.floor(left / day)} days`;
  }

  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  // The library's types are the browser's; Node's own describe the same object.
  const crypto = /** @type {any} */ (webcrypto);
  const { subtle } = webcrypto;
  x509.cryptoProvider.set(crypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const window = { notBefore: new Date(Date.now() - 5 * 60_000), notAfter: new Date(Date.now() + lifetimeDays * day) };
  const issuer = [{ O: [names.organisation] }, { CN: ['Airseal evaluation TLS'] }];

  const authority = /** @type {any} */ (await subtle.generateKey(algorithm, false, ['sign', 'verify']));
  const ca = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: issuer,
      ...window,
      signingAlgorithm: algorithm,
      keys: authority,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        await x509.SubjectKeyIdentifierExtension.create(authority.publicKey, false, crypto),
      ],
    },
    crypto,
  );

  const server = /** @type {any} */ (await subtle.generateKey(algorithm, true, ['sign', 'verify']));
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: [{ O: [names.organisation] }, { CN: [names.addresses[0] ?? ''] }],
      issuer,
      ...window,
      signingAlgorithm: algorithm,
      publicKey: server.publicKey,
      signingKey: authority.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(names.addresses.map((value) => ({ type: 'ip', value }))),
        await x509.SubjectKeyIdentifierExtension.create(server.publicKey, false, crypto),
        await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey, false, crypto),
      ],
    },
    crypto,
  );
  const key = x509.PemConverter.encode(await subtle.exportKey('pkcs8', server.privateKey), 'PRIVATE KEY');

  const partial = `${directory}.partial`;
  removeTree(partial);
  ensureDirectory(partial, 0o755);
  writeWhole(join(partial, 'ca.pem'), `${ca.toString('pem')}\n`);
  writeWhole(join(partial, 'server.pem'), `${certificate.toString('pem')}\n`);
  writeWhole(join(partial, 'server.key'), `${key}\n`, 0o600);
  removeTree(directory);
  renameSync(partial, directory);
  return 'made';
}

/** Sixteen octets, positive and never shorter: the first bit is off, the second on (RFC 5280 §4.1.2.2). */
function serialNumber() {
  const octets = randomBytes(16);
  octets[0] = ((octets[0] ?? 0) & 0x7f) | 0x40;
  return octets.toString('hex');
}
