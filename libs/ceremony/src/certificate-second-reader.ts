/**
 * Certificates through another parser than ours: what two independent readers take differently is how
 * forged chains pass, so they must agree before a key signs and after.
 */
import 'reflect-metadata';
import { X509Certificate } from '@peculiar/x509';
import { Fault } from '#core/fault';
import { equalOctets, toHex } from '#core/octets';
import { parseCertificate } from '#core/x509';

/** @throws {Fault} ceremony/second-reader if the other parser reads something else */
export async function readCertificateTwice(der: Uint8Array): Promise<void> {
  const ours = parseCertificate(der);
  // The other parser reads names and extensions only when it is asked for them, so all of that can fail too.
  const differences = await secondly(() => {
    const theirs = new X509Certificate(Uint8Array.from(der));
    return [
      ['serial', toHex(ours.serialOctets) === theirs.serialNumber.toLowerCase()],
      ['subject', equalOctets(ours.subjectDer, octets(theirs.subjectName.toArrayBuffer()))],
      ['issuer', equalOctets(ours.issuerDer, octets(theirs.issuerName.toArrayBuffer()))],
      ['notBefore', ours.notBeforeMs === theirs.notBefore.getTime()],
      ['notAfter', ours.notAfterMs === theirs.notAfter.getTime()],
      ['key', equalOctets(ours.spki, octets(theirs.publicKey.rawData))],
      [
        'extensions',
        ours.extensions.map(({ oid, critical, value }) => `${oid} ${critical} ${toHex(value)}`).join() ===
          theirs.extensions
            .map(({ type, critical, value }) => `${type} ${critical} ${toHex(octets(value))}`)
            .join(),
      ],
    ].flatMap(([field, agrees]) => (agrees === true ? [] : [field]));
  });
  if (differences.length > 0) throw disagreement(`in ${differences.join(', ')}`);
}

/** @param chain leaf or issuing certificate first, self-signed root last */
export async function verifyChainTwice(chain: readonly Uint8Array[]): Promise<void> {
  for (const [at, der] of chain.entries()) {
    const holds = await secondly(() => {
      const issuer = new X509Certificate(Uint8Array.from(chain[at + 1] ?? der));
      const certificate = new X509Certificate(Uint8Array.from(der));
      return certificate.verify({ publicKey: issuer.publicKey, signatureOnly: true });
    });
    if (!holds) throw disagreement(`about the signature of certificate ${at} of a chain`);
  }
}

/** What the second reader cannot read, it cannot confirm. */
async function secondly<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new Fault('corrupt', 'ceremony/second-reader', 'the second reader cannot parse the certificate', {
      cause,
    });
  }
}

function octets(buffer: ArrayBuffer): Uint8Array {
  return new Uint8Array(buffer);
}

function disagreement(where: string): Fault {
  return new Fault(
    'corrupt',
    'ceremony/second-reader',
    `two readers of the same certificate disagree ${where}: nothing was signed or kept`,
  );
}
