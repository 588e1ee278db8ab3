/**
 * Collects valid inputs from a fresh evaluation (`npm run up -- --state DIR`) into `seeds.json`, once in a while:
 * `node test/fuzz/seeds/collect.mjs DIR`. What a parser is fed starts from these; the vectors of other projects
 * are read where they lie. Names of files and secrets of that installation are replaced; it is deleted afterwards.
 */
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const state = resolve(process.argv[2] ?? '.airseal');
const project = resolve(import.meta.dirname, '../../..');
const file = (...parts) => readFileSync(join(state, ...parts), 'utf8');
const ca = file('tls', 'ca.pem');
const material = JSON.parse(file('trust', 'trust-material.json'));
const scratch = mkdtempSync(join(tmpdir(), 'airseal-seeds-'));
const airseal = (...words) =>
  execFileSync(
    process.execPath,
    [join(project, 'dist/apps/airseal/src/main.js'), ...words, '--state', state],
    { encoding: 'utf8' },
  );

const ask = (url, { body, type } = {}) =>
  new Promise((settle, reject) => {
    const call = request(
      url,
      {
        ca,
        method: body === undefined ? 'GET' : 'POST',
        headers: type === undefined ? {} : { 'content-type': type },
      },
      (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => settle(Buffer.concat(chunks)));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
const json = async (url) => JSON.parse(await ask(url));
const base64 = (bytes) => Buffer.from(bytes).toString('base64');

const runtimeDir = /^runtimeDir: "(.*)"$/m.exec(file('airseal.yaml'))[1];
const plain = (text) => text.replaceAll(state, '/srv/airseal').replaceAll(runtimeDir, '/run/airseal');

/** PEM blocks of a text as base64 DER. */
const blocks = (pem) =>
  [...pem.matchAll(/-----BEGIN [^-]+-----([^-]+)-----END/g)].map(([, body]) => body.replaceAll(/\s/g, ''));

async function collect() {
  const artifact = join(scratch, 'artifact.txt');
  writeFileSync(artifact, 'what is signed\n');
  const predicate = join(scratch, 'predicate.json');
  writeFileSync(predicate, '{"built":"here"}\n');
  const credentials = join(state, 'first-signature', 'machine.json');
  const bundles = [
    airseal('sign-blob', '--credentials', credentials, artifact) &&
      readFileSync(`${artifact}.sigstore.json`, 'utf8'),
    airseal(
      'attest-blob',
      '--credentials',
      credentials,
      '--predicate',
      predicate,
      '--type',
      'custom',
      artifact,
    ) && readFileSync(`${artifact}.sigstore.json`, 'utf8'),
  ];
  const tokenFile = join(scratch, 'token');
  airseal('identity', 'token', '--credentials', credentials, '--token-file', tokenFile);
  const [v1, v2] = [material.rekorV1[0].url, material.rekorV2[0].url];
  const ct = material.ctLogs[0].url;

  const log = await json(`${v1}/api/v1/log`);
  const entries = [];
  for (let index = 0; index < log.treeSize; index++)
    entries.push(await json(`${v1}/api/v1/log/entries?logIndex=${index}`));
  const checkpointV2 = (await ask(`${v2}/api/v2/checkpoint`)).toString();
  const sizeV2 = Number(checkpointV2.split('\n')[1]);
  const tile = async (path) =>
    base64(await ask(`${v2}/api/v2/tile/${path}${sizeV2 < 256 ? `.p/${sizeV2}` : ''}`));
  const sth = await json(`${ct}/ct/v1/get-sth`);
  const ctEntries = (await json(`${ct}/ct/v1/get-entries?start=0&end=${sth.tree_size - 1}`)).entries;

  const openssl = (...words) => execFileSync('openssl', words, { cwd: scratch });
  const queries = ['-sha256', '-sha512'].flatMap((hash) =>
    [['-cert'], ['-no_nonce'], ['-tspolicy', '1.3.6.1.4.1.57264.2']].map((more) =>
      openssl('ts', '-query', '-data', artifact, hash, ...more),
    ),
  );
  const stamp = await ask(`${v1}/api/v1/timestamp`, {
    body: queries[0],
    type: 'application/timestamp-query',
  });

  const kinds = [
    ['ec', { namedCurve: 'P-256' }],
    ['ec', { namedCurve: 'P-384' }],
    ['ec', { namedCurve: 'P-521' }],
    ['rsa', { modulusLength: 2048 }],
    ['rsa', { modulusLength: 3072 }],
    ['ed25519', {}],
  ];
  const pairs = kinds.map(([kind, options]) => generateKeyPairSync(kind, options));
  const requests = pairs.map(({ privateKey }, at) => {
    writeFileSync(join(scratch, `${at}.key`), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    return openssl(
      'req',
      '-new',
      '-key',
      `${at}.key`,
      '-subj',
      '/CN=someone',
      ...(at % 2 === 0 ? [] : ['-addext', 'subjectAltName=email:a@b.example']),
      '-outform',
      'DER',
    );
  });
  const pem = ({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' });
  const proof = base64(sign('sha256', Buffer.from('someone'), pairs[0].privateKey));
  const ceremony = join('ceremonies', readdirSync(join(state, 'ceremonies'))[0]);
  const journals = execFileSync('find', [state, '-name', '*.journal'], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const leafOf = (bundle) => JSON.parse(bundle).verificationMaterial.certificate.rawBytes;
  const tokenText = readFileSync(tokenFile, 'utf8').trim();
  const digest = createHash('sha256').update('what is signed\n').digest();
  const shortMaterial = JSON.parse(plain(JSON.stringify(material)));

  return {
    certificates: [
      ...bundles.map(leafOf),
      ...blocks(file('trust', 'fulcio.crt.pem')),
      ...blocks(file('trust', 'tsa.certchain.pem')),
      ...blocks(ca),
      ...blocks(file('tls', 'server.pem')),
    ],
    spkis: [
      ...pairs.map(({ publicKey }) => base64(publicKey.export({ type: 'spki', format: 'der' }))),
      ...blocks(file('trust', 'rekor.pub')),
      ...blocks(file('trust', 'ctfe.pub')),
    ],
    pem: [
      file('trust', 'fulcio.crt.pem'),
      file('trust', 'tsa.certchain.pem'),
      file('trust', 'rekor.pub'),
      ...pairs.map(pem),
      pairs[3].publicKey.export({ type: 'pkcs1', format: 'pem' }),
    ],
    csrs: requests.map(base64),
    ecdsaSignatures: [proof, base64(Buffer.from(sth.tree_head_signature, 'base64').subarray(4))],
    bundles,
    trustedRoot: file('trust', 'trusted_root.json'),
    signingConfigs: [
      file('trust', 'signing_config.v0.2.json'),
      file('trust', 'signing_config_rekor_v2.v0.2.json'),
    ],
    trustMaterial: JSON.stringify(shortMaterial),
    tuf: Object.fromEntries(
      ['1.root.json', '1.targets.json', '1.snapshot.json', 'timestamp.json'].map((name) => [
        name.replace(/^\d\./, '').replace('.json', ''),
        file('tuf', name),
      ]),
    ),
    settings: plain(file('airseal.yaml')),
    instance: file('instance.yaml'),
    issuers: plain(file('fulcio-issuers.yaml')),
    bindings: plain(file('ceremony-bindings.yaml')),
    plan: plain(file(ceremony, 'plan.json')),
    transcript: plain(file(ceremony, 'transcript.jsonl')).split('\n').slice(0, 12).join('\n') + '\n',
    notes: [log.signedTreeHead, checkpointV2, file(ceremony, 'transcript.note')],
    logInfo: JSON.stringify(log),
    logEntries: entries.map((entry) => JSON.stringify(entry)),
    boundaries: (await ask(`${v1}/airseal/v1/boundaries`)).toString(),
    tile: await tile('0/000'),
    bundleOfEntries: await tile('entries/000'),
    ctLeaves: ctEntries.map((entry) => entry.leaf_input),
    ctExtra: ctEntries.map((entry) => entry.extra_data),
    timestampQueries: queries.map(base64),
    timestampReply: base64(stamp),
    timestampJson: [
      JSON.stringify({
        artifactHash: base64(digest),
        hashAlgorithm: 'sha256',
        certificates: true,
        nonce: 123456789012345,
      }),
      JSON.stringify({
        artifactHash: base64(digest),
        hashAlgorithm: 'sha256',
        tsaPolicyOID: '1.3.6.1.4.1.57264.2',
      }),
    ],
    fulcioV2: [
      JSON.stringify({
        credentials: { oidcIdentityToken: tokenText },
        publicKeyRequest: {
          publicKey: { algorithm: 'ECDSA', content: pem(pairs[0]) },
          proofOfPossession: proof,
        },
      }),
      JSON.stringify({
        credentials: { oidc_identity_token: tokenText },
        certificate_signing_request: base64(
          Buffer.from(
            `-----BEGIN CERTIFICATE REQUEST-----\n${base64(requests[0])}\n-----END CERTIFICATE REQUEST-----\n`,
          ),
        ),
      }),
    ],
    fulcioV1: [
      JSON.stringify({
        publicKey: {
          content: base64(pairs[0].publicKey.export({ type: 'spki', format: 'der' })),
          algorithm: 'ecdsa',
        },
        signedEmailAddress: proof,
      }),
    ],
    tokens: [tokenText],
    jwks: (await ask(`${v1}/oidc/jwks`)).toString(),
    journals: journals.map((path) => readFileSync(path, 'utf8').split('\n').slice(0, 6).join('\n') + '\n'),
    credentials: JSON.stringify({
      ...JSON.parse(readFileSync(credentials, 'utf8')),
      clientSecret: 'not-a-secret-of-anything',
    }),
    entryIds: Object.keys(entries[0]),
  };
}

try {
  writeFileSync(
    join(import.meta.dirname, 'seeds.json'),
    `${JSON.stringify(await collect(), undefined, 1)}\n`,
  );
} finally {
  rmSync(scratch, { recursive: true });
}
