/**
 * `npm run test:interop`: unmodified clients sign and verify against an instance of our own.
 *
 * The run brings up a fresh instance, installs the clients, lets every signer sign and every verifier
 * verify what every signer made, and compares the outcome with `matrix.json`, which says for each pair
 * *verifies*, *refuses (reason, source)* or *not applicable*. A pair that starts to work is as much a
 * difference as one that stops. The last line is `N passed, N failed`.
 *
 *   --update   write the outcome into matrix.json instead of comparing (reasons must be filled by hand)
 *   --keep     leave the instance up
 *   --only X   only signers and verifiers whose name contains X (the table is then not compared as a whole)
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { environment, signers, verifiers } from './clients.mjs';
import { callWithPerson, makePerson } from './person.mjs';
import { call, installClients } from './toolchains.mjs';

const here = import.meta.dirname;
const project = resolve(here, '..', '..');
const cache = process.env.AIRSEAL_INTEROP_CACHE ?? join(project, '.cache', 'interop');
const options = new Set(process.argv.slice(2));
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : '';
const say = (text) => process.stdout.write(`${text}\n`);

function freePort() {
  return new Promise((resolvePort, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolvePort(port));
    });
  });
}

/** Runs one of the project's own verbs with the pinned runtime. */
function bootstrap(...args) {
  return call(process.execPath, [join(project, 'apps', 'bootstrap', 'run.mjs'), ...args], { cwd: project });
}

async function makeSite(state) {
  const home = join(cache, 'home');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  const airseal = join(project, 'dist', 'apps', 'airseal', 'src', 'main.js');
  const cli = (...args) => call(process.execPath, [airseal, '--state', state, ...args]);

  const material = JSON.parse(readFileSync(join(state, 'trust', 'trust-material.json'), 'utf8'));
  const identity = 'interop@airseal.example';
  const credentials = join(home, 'credentials.json');
  await cli('identity', 'add', identity, '--credentials', credentials);
  const { SSL_CERT_FILE: authorities } = JSON.parse(await cli('env', '--output', 'json'));

  const file = (name, content) => {
    writeFileSync(join(home, name), content);
    return join(home, name);
  };
  const artifact = file('artifact.bin', randomBytes(4096));
  const { createHash } = await import('node:crypto');
  const digest = createHash('sha256').update(readFileSync(artifact)).digest('hex');
  const trustedRoot = join(state, 'trust', 'trusted_root.json');
  const signingConfig = {
    v1: join(state, 'trust', 'signing_config.v0.2.json'),
    v2: join(state, 'trust', 'signing_config_rekor_v2.v0.2.json'),
  };
  const clientTrustConfig = (api) =>
    file(`client-trust-config-${api}.json`, JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
      trustedRoot: JSON.parse(readFileSync(trustedRoot, 'utf8')),
      signingConfig: JSON.parse(readFileSync(signingConfig[api], 'utf8')),
    }));
  let tokens = 0;
  const token = async () => {
    const path = join(home, `token-${tokens++}`);
    await cli('identity', 'token', '--credentials', credentials, '--token-file', path);
    return path;
  };
  const ownAuthority = join(state, 'tls', 'ca.pem');
  const person = await makePerson({ ownAuthority }, cli);
  return {
    state, home, airseal, identity, person, credentials, authorities, artifact, digest, trustedRoot, signingConfig, token,
    ownAuthority,
    issuer: material.issuer.url,
    tufRoot: join(state, 'trust', 'root.json'),
    clientTrustConfig: { v1: clientTrustConfig('v1'), v2: clientTrustConfig('v2') },
    tokenText: async () => readFileSync(await token(), 'utf8').trim(),
    predicate: file('predicate.json', JSON.stringify({ built: 'here' })),
    // sigstore-python validates predicates of known types, so it gets a whole one.
    provenance: file('provenance.json', JSON.stringify({
      buildDefinition: { buildType: 'https://example.com/build', externalParameters: {}, internalParameters: {}, resolvedDependencies: [] },
      runDetails: { builder: { id: 'https://example.com/builder', builderDependencies: [], version: {} }, metadata: { invocationId: '1', startedOn: '2026-01-01T00:00:00Z', finishedOn: '2026-01-01T00:00:01Z' }, byproducts: [] },
    })),
    statement: file('statement.intoto.json', JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'artifact.bin', digest: { sha256: digest } }],
      predicateType: 'https://example.com/predicate',
      predicate: { built: 'here' },
    })),
    urls: {
      fulcio: material.certificateAuthorities[0].url,
      rekorV1: material.rekorV1[0].url,
      rekorV2: material.rekorV2[0].url,
      tsa: material.timestampAuthorities[0].url,
      tsaBase: new URL(material.timestampAuthorities[0].url).origin,
      tuf: material.tuf.url,
    },
  };
}

async function startRegistry(crane, site) {
  const port = await freePort();
  const child = spawn(crane, ['registry', 'serve', '--address', `127.0.0.1:${port}`], { stdio: 'ignore' });
  const base = `127.0.0.1:${port}/app`;
  const layer = join(site.home, 'layer.tar');
  await call('tar', ['-C', site.home, '-cf', layer, 'artifact.bin']);
  let count = 0;
  /** A fresh image, so that no verifier finds another signer's signature; returns it by digest. */
  const image = async () => {
    const tag = `${base}:${count++}`;
    writeFileSync(join(site.home, 'artifact-layer'), randomBytes(64));
    await call('tar', ['-C', site.home, '-cf', layer, 'artifact-layer']);
    for (let tries = 0; ; tries++) {
      try {
        await call(crane, ['append', '--new_layer', layer, '--new_tag', tag], { env: environment(site) });
        break;
      } catch (error) {
        if (tries > 20) throw error;
        await new Promise((wake) => setTimeout(wake, 200));
      }
    }
    const digest = (await call(crane, ['digest', tag], { env: environment(site) })).trim().split('\n').at(-1);
    return `${base}@${digest}`;
  };
  return { image, stop: () => child.kill() };
}

/** The line of a client's output that says why, as far as one can be told from its habits. */
function firstLine(error) {
  const lines = error.message.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^at |^\.\.\. \d+ more|^Node\.js v/.test(line));
  return (lines.find((line) => /error|exception|malformed|missing|fail/i.test(line)) ?? lines.at(-1) ?? 'failed').slice(0, 300);
}

/** Jobs that are not a pair of signer and verifier: each resolves or throws. */
function journeys(site, clients) {
  const env = (extra) => ({ env: environment(site, extra), cwd: site.home });
  const cosign = clients['cosign-3.1'].path;
  const cosign2 = clients['cosign-2.6'].path;
  const rekor = clients['rekor-cli'].path;
  const expect = (text, pattern) => {
    if (!pattern.test(text)) throw new Error(`expected ${pattern} in: ${text.slice(0, 400)}`);
  };
  const verifiesForPerson = (bundle) =>
    call(cosign, ['verify-blob', '--bundle', bundle, '--trusted-root', site.trustedRoot, '--certificate-identity', site.person.email,
      '--certificate-oidc-issuer', site.issuer, site.artifact], env());
  const deviceFlow = async (client, flags) => {
    const bundle = join(site.home, `person-${client}.sigstore.json`);
    await callWithPerson(clients[client].path, ['sign-blob', '--yes', ...flags, '--signing-config', site.signingConfig.v1, '--trusted-root', site.trustedRoot,
      '--bundle', bundle, site.artifact], env({ SIGSTORE_ID_TOKEN: '' }), site, site.person);
    await verifiesForPerson(bundle);
  };
  return {
    'cosign-3.1: device flow': () => deviceFlow('cosign-3.1', []),
    'cosign-2.6: device flow': () => deviceFlow('cosign-2.6', ['--new-bundle-format']),
    'sigstore-python: browser flow, code carried over': async () => {
      const bundle = join(site.home, 'person-python.sigstore.json');
      await callWithPerson(clients['sigstore-python'].path, ['--trust-config', site.clientTrustConfig.v1, 'sign', '--oauth-force-oob', '--bundle', bundle,
        '--overwrite', site.artifact], env(), site, site.person);
      await verifiesForPerson(bundle);
    },
    'cosign-3.1: initialize from TUF, then sign and verify without flags': async () => {
      const home = { TUF_ROOT: join(site.home, 'tuf-3'), SIGSTORE_ID_TOKEN: '' };
      await call(cosign, ['initialize', '--mirror', site.urls.tuf, '--root', site.tufRoot], env(home));
      const bundle = join(site.home, 'tuf-3.sigstore.json');
      await call(cosign, ['sign-blob', '--yes', '--identity-token', await site.token(), '--bundle', bundle, site.artifact], env(home));
      await call(cosign, ['verify-blob', '--bundle', bundle, '--certificate-identity', site.identity, '--certificate-oidc-issuer', site.issuer, site.artifact], env(home));
    },
    'cosign-2.6: initialize from TUF, legacy signature and certificate': async () => {
      const home = { TUF_ROOT: join(site.home, 'tuf-2'), SIGSTORE_ID_TOKEN: '' };
      await call(cosign2, ['initialize', '--mirror', site.urls.tuf, '--root', site.tufRoot], env(home));
      const bundle = join(site.home, 'legacy.bundle');
      await call(cosign2, ['sign-blob', '--yes', '--fulcio-url', site.urls.fulcio, '--rekor-url', site.urls.rekorV1, '--oidc-issuer', site.issuer,
        '--identity-token', await site.token(), '--bundle', bundle, site.artifact], env(home));
      await call(cosign2, ['verify-blob', '--offline', '--bundle', bundle, '--certificate-identity', site.identity, '--certificate-oidc-issuer', site.issuer, site.artifact], env(home));
    },
    'cosign-2.6: key files from the environment instead of TUF': async () => {
      const trust = join(site.state, 'trust');
      const files = {
        TUF_ROOT: join(site.home, 'tuf-none'),
        SIGSTORE_ROOT_FILE: join(trust, 'fulcio.crt.pem'),
        SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: join(trust, 'ctfe.pub'),
        SIGSTORE_REKOR_PUBLIC_KEY: join(trust, 'rekor.pub'),
      };
      const bundle = join(site.home, 'env.bundle');
      await call(cosign2, ['sign-blob', '--yes', '--fulcio-url', site.urls.fulcio, '--rekor-url', site.urls.rekorV1, '--oidc-issuer', site.issuer,
        '--identity-token', await site.token(), '--bundle', bundle, site.artifact], env(files));
      await call(cosign2, ['verify-blob', '--offline', '--bundle', bundle, '--certificate-identity', site.identity, '--certificate-oidc-issuer', site.issuer, site.artifact], env(files));
    },
    'sigstore-python: trust-instance from TUF, then sign and verify': async () => {
      const python = clients['sigstore-python'].path;
      const instance = ['--instance', site.urls.tuf];
      await call(python, [...instance, 'trust-instance', site.tufRoot], env());
      const bundle = join(site.home, 'python-tuf.sigstore.json');
      await call(python, [...instance, 'sign', '--bundle', bundle, '--overwrite', site.artifact], env({ SIGSTORE_IDENTITY_TOKEN: await site.tokenText() }));
      await call(python, [...instance, 'verify', 'identity', '--bundle', bundle, '--cert-identity', site.identity, '--cert-oidc-issuer', site.issuer, site.artifact], env());
    },
    'rekor-cli: upload, get, search, verify, loginfo, logproof': async () => {
      const server = ['--rekor_server', site.urls.rekorV1];
      const key = join(site.home, 'signer.key');
      const publicKey = join(site.home, 'signer.pub');
      const signature = join(site.home, 'signer.sig');
      await call('openssl', ['ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', key]);
      await call('openssl', ['ec', '-in', key, '-pubout', '-out', publicKey]);
      await call('openssl', ['dgst', '-sha256', '-sign', key, '-out', signature, site.artifact]);
      const entry = [...server, '--type', 'hashedrekord:0.0.1', '--artifact-hash', `sha256:${site.digest}`, '--signature', signature, '--pki-format', 'x509', '--public-key', publicKey];
      const uploaded = await call(rekor, ['upload', ...entry], env());
      expect(uploaded, /Created entry at index \d+/);
      const index = /index (\d+)/.exec(uploaded)[1];
      expect(await call(rekor, ['get', ...server, '--log-index', index], env()), /hashedrekord|HashedRekordObj/i);
      expect(await call(rekor, ['search', ...server, '--sha', site.digest], env()), /[0-9a-f]{80}/);
      expect(await call(rekor, ['search', ...server, '--email', site.identity], env()), /[0-9a-f]{80}/);
      expect(await call(rekor, ['verify', ...entry], env()), /Inclusion Proof/);
      expect(await call(rekor, ['upload', ...entry], env()), /already exists/);
      expect(await call(rekor, ['loginfo', ...server], env()), /Verification Successful/);
      const { treeSize } = await (await fetch(`${site.urls.rekorV1}/api/v1/log`)).json();
      expect(await call(rekor, ['logproof', ...server, '--first-size', '1', '--last-size', String(treeSize)], env()), /Root Hash/i);
    },
    'openssl ts: query, reply, verify': async () => {
      const query = join(site.home, 'q.tsq');
      const reply = join(site.home, 'r.tsr');
      await call('openssl', ['ts', '-query', '-data', site.artifact, '-sha256', '-cert', '-out', query]);
      const answer = await fetch(site.urls.tsa, { method: 'POST', headers: { 'content-type': 'application/timestamp-query' }, body: readFileSync(query) });
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      writeFileSync(reply, Buffer.from(await answer.arrayBuffer()));
      const chain = join(site.state, 'trust', 'tsa.certchain.pem');
      expect(await call('openssl', ['ts', '-verify', '-in', reply, '-queryfile', query, '-CAfile', chain, '-untrusted', chain]), /Verification: OK/);
    },
  };
}

async function main() {
  mkdirSync(cache, { recursive: true });
  const clients = await installClients(cache, here, say);
  const state = join(cache, 'state');
  if (existsSync(state)) {
    await bootstrap('down', '--state', state).catch(() => undefined);
    await bootstrap('reset', '--yes', '--state', state);
  }
  try {
    await bootstrap('up', '--state', state, '--port', String(await freePort()));
  } catch (error) {
    // What a failed `up` has started must not outlive the run.
    await bootstrap('down', '--state', state).catch(() => undefined);
    throw error;
  }
  const site = await makeSite(state);
  process.env.NODE_EXTRA_CA_CERTS = site.ownAuthority;
  const { setDefaultCACertificates, getCACertificates } = await import('node:tls');
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(site.ownAuthority, 'utf8')]);
  clients.airseal = { path: site.airseal };
  const trustStore = join(site.home, 'trust.p12');
  site.javaTrust = [`-Djavax.net.ssl.trustStore=${trustStore}`, '-Djavax.net.ssl.trustStorePassword=changeit'];
  await call('keytool', ['-importcert', '-noprompt', '-alias', 'airseal', '-storetype', 'PKCS12', '-keystore', trustStore, '-storepass', 'changeit', '-file', site.ownAuthority]).catch(() => undefined);
  const registry = clients.crane.path === undefined ? undefined : await startRegistry(clients.crane.path, site);

  const outcome = {};
  const record = (row, cell, verdict) => {
    (outcome[row] ??= {})[cell] = verdict;
    say(`${verdict.startsWith('verifies') || verdict === 'signs' || verdict === 'works' ? '  ok  ' : ' ---- '} ${row} → ${cell}: ${verdict}`);
  };
  try {
    // The legacy image path of cosign 2 takes its keys from the TUF cache of this home.
    if (clients['cosign-2.6'].path !== undefined) {
      await call(clients['cosign-2.6'].path, ['initialize', '--mirror', site.urls.tuf, '--root', site.tufRoot], { env: environment(site) }).catch((error) => say(`cosign-2.6 initialize: ${firstLine(error)}`));
    }
    for (const signer of signers(site, clients)) {
      const row = `${signer.name} ${signer.kind} ${signer.api}`;
      if (only !== '' && !row.includes(only)) continue;
      if (clients[signer.client].path === undefined) {
        record(row, 'sign', `missing: ${clients[signer.client].missing}`);
        continue;
      }
      const bundle = join(site.home, `${row.replaceAll(/[^a-z0-9.]+/gi, '-')}.sigstore.json`);
      const isImage = signer.kind.startsWith('image');
      const image = isImage && registry !== undefined ? await registry.image() : '';
      try {
        await signer.sign(bundle, image);
        record(row, 'sign', 'signs');
      } catch (error) {
        record(row, 'sign', `refuses: ${firstLine(error)}`);
        continue;
      }
      const type = signer.name === 'sigstore-python' ? 'https://slsa.dev/provenance/v1' : 'https://example.com/predicate';
      for (const verifier of verifiers(site, clients)) {
        if (!verifier.kinds.includes(signer.kind)) continue;
        if (clients[verifier.client].path === undefined) {
          record(row, verifier.name, `missing: ${clients[verifier.client].missing}`);
          continue;
        }
        try {
          await verifier.verify(bundle, signer.kind, type, image, signer.api);
          record(row, verifier.name, 'verifies');
        } catch (error) {
          record(row, verifier.name, `refuses: ${firstLine(error)}`);
        }
      }
    }
    for (const [name, journey] of Object.entries(journeys(site, clients))) {
      if (only !== '' && !name.includes(only)) continue;
      try {
        await journey();
        record(name, 'journey', 'works');
      } catch (error) {
        record(name, 'journey', `fails: ${firstLine(error)}`);
      }
    }
  } finally {
    registry?.stop();
    if (!options.has('--keep')) await bootstrap('down', '--state', state).catch((error) => say(error.message));
  }
  return outcome;
}

/** Compares verdicts by their first word: reasons in the table are for people, with their source. */
function compare(expected, outcome) {
  let passed = 0;
  let failed = 0;
  const word = (verdict) => (verdict ?? 'absent').split(/[ :(]/)[0];
  const rows = only === '' ? new Set([...Object.keys(expected), ...Object.keys(outcome)]) : new Set(Object.keys(outcome));
  for (const row of rows) {
    for (const cell of new Set([...Object.keys(expected[row] ?? {}), ...Object.keys(outcome[row] ?? {})])) {
      const [should, was] = [expected[row]?.[cell], outcome[row]?.[cell]];
      if (word(should) === 'not' && was === undefined) continue;
      if (word(should) === word(was)) passed += 1;
      else {
        failed += 1;
        say(`DIFFERS ${row} → ${cell}: expected ${should ?? 'nothing'}, got ${was ?? 'nothing'}`);
      }
    }
  }
  return { passed, failed };
}

const outcome = await main();
const matrix = join(here, 'matrix.json');
if (options.has('--update')) {
  writeFileSync(matrix, `${JSON.stringify(outcome, null, 2)}\n`);
  say(`wrote ${matrix}`);
}
const expected = existsSync(matrix) ? JSON.parse(readFileSync(matrix, 'utf8')) : {};
const { passed, failed } = compare(expected, outcome);
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
