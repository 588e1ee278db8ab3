/** Valid inputs by kind: from an evaluation (seeds.json) and from the vectors of other projects (test/vectors). */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const project = resolve(import.meta.dirname, '../../..');
const json = (path) => JSON.parse(readFileSync(path, 'utf8'));
const vectors = (path) => json(join(project, 'test', 'vectors', path));

/** What one evaluation made; see collect.mjs. */
export const made = json(join(import.meta.dirname, 'seeds.json'));
export const bytes = (base64) => new Uint8Array(Buffer.from(base64, 'base64'));
export const utf8 = (text) => new Uint8Array(Buffer.from(text, 'utf8'));
export const file = (path) => readFileSync(join(project, path), 'utf8');

const ct = vectors('certificate-transparency-go/vectors.json');
const pemBlocks = (pem) =>
  [...pem.matchAll(/-----BEGIN [^-]+-----([^-]+)-----END/g)].map(([, body]) =>
    bytes(body.replaceAll(/\s/g, '')),
  );
const small = (list, most) => list.filter((text) => text.length <= most);

export const certificates = [
  ...made.certificates.map(bytes),
  ...Object.values(ct)
    .filter((text) => text.includes('BEGIN CERTIFICATE'))
    .flatMap(pemBlocks),
];
export const spkis = made.spkis.map(bytes);
export const scts = Object.entries(ct)
  .filter(([name]) => name.endsWith('Proof'))
  .map(([, hex]) => new Uint8Array(Buffer.from(hex, 'hex')));
export const v1Proposals = small(
  vectors('sigstore-rekor/cases.json')
    .filter(({ proposed }) => proposed !== undefined)
    .map(({ proposed }) => JSON.stringify(proposed)),
  8000,
);
export const v2Requests = small(
  vectors('sigstore-rekor-tiles/cases.json')
    .filter(({ request }) => request !== undefined)
    .map(({ request }) => (typeof request === 'string' ? request : JSON.stringify(request))),
  8000,
);
export const v1Bodies = small(
  [...vectors('sigstore-go/entries.json'), ...vectors('sigstore-conformance/entries.json')]
    .map(({ entry }) => Buffer.from(entry.canonicalizedBody ?? '', 'base64').toString('utf8'))
    .filter((text) => text.startsWith('{')),
  8000,
);
export const jcs = vectors('rfc8785/cases.json').map(({ input }) => input);
