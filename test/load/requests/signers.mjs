/**
 * Signers with certificates of their own from the appliance, as those who log things have.
 *
 * An entry carries its signer's certificate, which is most of its octets. One for each entry would make preparing
 * a run take longer than the run, so that some hundred signers share the work; nothing in the appliance is kept
 * per certificate.
 */
import { hash, sign } from 'node:crypto';
import { closedLoop, withConnections } from '../drive.mjs';
import { certificateRequests, readChain } from './certificates.mjs';

/** @typedef {{ privateKey: import('node:crypto').KeyObject, pem: string, der: Uint8Array }} Signer */

/** @param {import('../site.mjs').Site} site @param {number} count @returns {Promise<Signer[]>} */
export async function makeSigners(site, count) {
  const requests = certificateRequests(site);
  const queue = await requests.prepare(count);
  const { answered, errors } = await withConnections(requests.url, site.ca, 4, (connections) =>
    closedLoop(connections, queue, 60_000, requests.expected),
  );
  if (answered.length !== count) throw new Error(`${count - answered.length} of ${count} signers got no certificate: ${errors[0] ?? ''}`);
  return answered.map(({ asked, answer }) => {
    const { pem, certificate } = readChain(answer.body);
    return { privateKey: /** @type {import('node:crypto').KeyObject} */ (asked.context), pem, der: certificate.der };
  });
}

let made = 0;
const run = `${process.pid} ${Date.now()}`;

/** An artifact that nobody has signed before. @param {Signer} signer */
export function signArtifact({ privateKey }) {
  const artifact = Buffer.from(`${run} ${made++}`);
  return { digest: hash('sha256', artifact, 'buffer'), signature: sign('sha256', artifact, privateKey) };
}
