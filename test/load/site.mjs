/** What a client knows of the installation under load: its addresses, the authority of its TLS, its trust material. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { parseTrustMaterial } from '#instance';

/**
 * @typedef {object} Site
 * @property {string} stateDir
 * @property {URL} origin
 * @property {URL} shardOrigin
 * @property {Buffer} ca
 * @property {string} identity
 * @property {{ tokenEndpoint: string, clientId: string, clientSecret: string }} credentials
 * @property {import('#instance').TrustMaterial} material
 */

/** @param {string} description of an installation, as test/kit/bring-up.mjs writes it @returns {Site} */
export function readSite(description) {
  const { stateDir, origin, shardOrigin, caFile, identity, credentials } = JSON.parse(readFileSync(description, 'utf8'));
  return {
    stateDir,
    origin: new URL(origin),
    shardOrigin: new URL(shardOrigin),
    ca: readFileSync(caFile),
    identity,
    credentials: JSON.parse(readFileSync(credentials, 'utf8')),
    material: parseTrustMaterial(readFileSync(`${stateDir}/trust/trust-material.json`, 'utf8')),
  };
}

/** A token of the built-in issuer, as any machine gets one. @param {Site} site @returns {Promise<string>} */
export function fetchToken({ credentials, ca }) {
  const { clientId, clientSecret, tokenEndpoint } = credentials;
  return new Promise((resolve, reject) => {
    const asked = request(
      tokenEndpoint,
      {
        method: 'POST',
        ca,
        headers: {
          authorization: `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => (text += part));
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve(JSON.parse(text).access_token);
          else reject(new Error(`the issuer answered ${answer.statusCode}`));
        });
      },
    );
    asked.on('error', reject);
    asked.end('grant_type=client_credentials');
  });
}
