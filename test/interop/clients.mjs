/**
 * How each client signs and verifies against an instance, exactly as its users would type it.
 *
 * A signer is `{ name, client, kind, api, sign }`, a verifier `{ name, client, kinds, verify }`. `kind` is
 * what was signed: a blob, an in-toto attestation about a blob, an image, or an attestation about an image.
 */
import { join } from 'node:path';
import { call } from './toolchains.mjs';

/** Environment of a client run: its own home, our TLS authority beside the system's, nothing else. */
export function environment(site, extra = {}) {
  return {
    PATH: process.env.PATH,
    HOME: site.home,
    TMPDIR: site.home,
    JAVA_HOME: process.env.JAVA_HOME ?? '',
    SSL_CERT_FILE: site.authorities,
    REQUESTS_CA_BUNDLE: site.authorities,
    NODE_EXTRA_CA_CERTS: site.ownAuthority,
    TUF_ROOT: join(site.home, 'tuf'),
    ...extra,
  };
}

const CI = { SIGSTORE_ID_TOKEN: '', COSIGN_YES: 'true' };

export function signers(site, clients) {
  const path = (name) => clients[name].path;
  const env = (extra) => ({ env: environment(site, extra), cwd: site.home });
  const config = (api) => site.signingConfig[api];
  const all = [];
  const add = (name, client, kind, api, sign) => all.push({ name, client, kind, api, sign });

  for (const api of ['v1', 'v2']) {
    add('airseal', 'airseal', 'blob', api, async (bundle) =>
      call(process.execPath, [site.airseal, '--state', site.state, 'sign-blob', '--credentials', site.credentials,
        '--signing-config', config(api), '--bundle', bundle, site.artifact]));
    add('airseal', 'airseal', 'attestation', api, async (bundle) =>
      call(process.execPath, [site.airseal, '--state', site.state, 'attest-blob', '--credentials', site.credentials, '--predicate', site.predicate,
        '--type', 'https://example.com/predicate', '--signing-config', config(api), '--bundle', bundle, site.artifact]));
    add('cosign-3.1', 'cosign-3.1', 'blob', api, async (bundle) =>
      call(path('cosign-3.1'), ['sign-blob', '--yes', '--signing-config', config(api), '--trusted-root', site.trustedRoot,
        '--identity-token', await site.token(), '--bundle', bundle, site.artifact], env(CI)));
    add('cosign-3.1', 'cosign-3.1', 'attestation', api, async (bundle) =>
      call(path('cosign-3.1'), ['attest-blob', '--yes', '--signing-config', config(api), '--trusted-root', site.trustedRoot, '--type', 'https://example.com/predicate',
        '--predicate', site.predicate, '--identity-token', await site.token(), '--bundle', bundle, site.artifact], env(CI)));
    add('cosign-2.6', 'cosign-2.6', 'blob', api, async (bundle) =>
      call(path('cosign-2.6'), ['sign-blob', '--yes', '--new-bundle-format', '--signing-config', config(api), '--trusted-root', site.trustedRoot,
        '--identity-token', await site.token(), '--bundle', bundle, site.artifact], env(CI)));
    add('cosign-2.6', 'cosign-2.6', 'attestation', api, async (bundle) =>
      call(path('cosign-2.6'), ['attest-blob', '--yes', '--new-bundle-format', '--signing-config', config(api), '--trusted-root', site.trustedRoot, '--type', 'https://example.com/predicate',
        '--predicate', site.predicate, '--identity-token', await site.token(), '--bundle', bundle, site.artifact], env(CI)));
    add('sigstore-python', 'sigstore-python', 'blob', api, async (bundle) =>
      call(path('sigstore-python'), ['--trust-config', site.clientTrustConfig[api], 'sign', '--bundle', bundle, '--overwrite', site.artifact],
        env({ SIGSTORE_IDENTITY_TOKEN: await site.tokenText() })));
    add('sigstore-python', 'sigstore-python', 'attestation', api, async (bundle) =>
      call(path('sigstore-python'), ['--trust-config', site.clientTrustConfig[api], 'attest', '--predicate', site.provenance,
        '--predicate-type', 'https://slsa.dev/provenance/v1', '--bundle', bundle, '--overwrite', site.artifact],
        env({ SIGSTORE_IDENTITY_TOKEN: await site.tokenText() })));
    add('sigstore-go', 'sigstore-go', 'blob', api, async (bundle) =>
      call(path('sigstore-go'), ['sign', site.artifact, bundle, site.trustedRoot, config(api), await site.token()], env()));
    add('sigstore-go', 'sigstore-go', 'attestation', api, async (bundle) =>
      call(path('sigstore-go'), ['sign', site.statement, bundle, site.trustedRoot, config(api), await site.token()], env()));
    add('sigstore-java', 'sigstore-java', 'blob', api, async (bundle) =>
      call('java', [...site.javaTrust, '-cp', path('sigstore-java'), 'Interop', 'sign', site.artifact, bundle, site.trustedRoot, config(api), await site.token(), api], env()));
    add('cosign-3.1', 'cosign-3.1', 'image', api, async (_bundle, image) =>
      call(path('cosign-3.1'), ['sign', '--yes', '--signing-config', config(api), '--trusted-root', site.trustedRoot,
        '--identity-token', await site.token(), '--allow-insecure-registry', image], env(CI)));
    add('cosign-3.1', 'cosign-3.1', 'image-attestation', api, async (_bundle, image) =>
      call(path('cosign-3.1'), ['attest', '--yes', '--signing-config', config(api), '--trusted-root', site.trustedRoot, '--type', 'https://example.com/predicate',
        '--predicate', site.predicate, '--identity-token', await site.token(), '--allow-insecure-registry', image], env(CI)));
  }
  // @sigstore/cli knows no signing config; it writes intoto 0.0.2 to v1 and wants a statement.
  add('@sigstore/cli', '@sigstore/cli', 'attestation', 'v1', async (bundle) =>
    call(process.execPath, [path('@sigstore/cli'), 'attest', '--fulcio-url', site.urls.fulcio, '--rekor-url', site.urls.rekorV1,
      '--tsa-server-url', site.urls.tsaBase, '--timeout', '20', '--output-file', bundle, site.statement],
      env({ SIGSTORE_ID_TOKEN: await site.tokenText(), CI: 'true' })));
  // The way of the URL flags: Fulcio's v1 API, keyless signatures beside the image, trust from TUF targets.
  add('cosign-2.6-urls', 'cosign-2.6', 'image', 'v1', async (_bundle, image) =>
    call(path('cosign-2.6'), ['sign', '--yes', '--fulcio-url', site.urls.fulcio, '--rekor-url', site.urls.rekorV1, '--oidc-issuer', site.issuer,
      '--identity-token', await site.token(), '--allow-insecure-registry', image], env(CI)));
  add('cosign-2.6-urls', 'cosign-2.6', 'image-attestation', 'v1', async (_bundle, image) =>
    call(path('cosign-2.6'), ['attest', '--yes', '--fulcio-url', site.urls.fulcio, '--rekor-url', site.urls.rekorV1, '--oidc-issuer', site.issuer, '--type', 'https://example.com/predicate',
      '--predicate', site.predicate, '--identity-token', await site.token(), '--allow-insecure-registry', image], env(CI)));
  return all;
}

export function verifiers(site, clients) {
  const path = (name) => clients[name].path;
  const env = (extra) => ({ env: environment(site, extra), cwd: site.home });
  const signer = ['--certificate-identity', site.identity, '--certificate-oidc-issuer', site.issuer];
  const all = [];
  const add = (name, client, kinds, verify) => all.push({ name, client, kinds, verify });

  add('airseal', 'airseal', ['blob', 'attestation'], (bundle, kind) =>
    call(process.execPath, [site.airseal, '--state', site.state, kind === 'blob' ? 'verify-blob' : 'verify-blob-attestation',
      '--trusted-root', site.trustedRoot, '--bundle', bundle, ...signer, site.artifact]));
  add('cosign-3.1', 'cosign-3.1', ['blob', 'attestation'], (bundle, kind, type) =>
    call(path('cosign-3.1'), [kind === 'blob' ? 'verify-blob' : 'verify-blob-attestation', ...(kind === 'blob' ? [] : ['--type', type]),
      '--bundle', bundle, '--trusted-root', site.trustedRoot, ...signer, site.artifact], env()));
  // A v2 entry has no time of its own, and cosign 2 looks at timestamps only when it is told to.
  const stamped = (api) => (api === 'v2' ? ['--use-signed-timestamps'] : []);
  add('cosign-2.6', 'cosign-2.6', ['blob', 'attestation'], (bundle, kind, type, _image, api) =>
    call(path('cosign-2.6'), [kind === 'blob' ? 'verify-blob' : 'verify-blob-attestation', ...(kind === 'blob' ? [] : ['--type', type]),
      ...stamped(api), '--new-bundle-format', '--bundle', bundle, '--trusted-root', site.trustedRoot, ...signer, site.artifact], env()));
  add('sigstore-python', 'sigstore-python', ['blob', 'attestation'], (bundle) =>
    call(path('sigstore-python'), ['--trust-config', site.clientTrustConfig.v1, 'verify', 'identity', '--offline', '--bundle', bundle,
      '--cert-identity', site.identity, '--cert-oidc-issuer', site.issuer, site.artifact], env()));
  add('@sigstore/cli', '@sigstore/cli', ['blob', 'attestation'], (bundle, kind) =>
    call(process.execPath, [path('@sigstore/cli'), 'verify', bundle, ...(kind === 'blob' ? ['--blob-file', site.artifact] : []), '--tuf-mirror-url', site.urls.tuf, '--tuf-root-path', site.tufRoot,
      '--tuf-cache-path', join(site.home, 'js-tuf'), '--certificate-identity-email', site.identity, '--certificate-issuer', site.issuer], env()));
  add('sigstore-go', 'sigstore-go', ['blob', 'attestation'], (bundle) =>
    call(path('sigstore-go'), ['verify', site.artifact, bundle, site.trustedRoot, site.identity, site.issuer], env()));
  add('sigstore-java', 'sigstore-java', ['blob', 'attestation'], (bundle) =>
    call('java', [...site.javaTrust, '-cp', path('sigstore-java'), 'Interop', 'verify', site.artifact, bundle, site.trustedRoot, site.identity, site.issuer], env()));
  add('cosign-3.1', 'cosign-3.1', ['image', 'image-attestation'], (_bundle, kind, type, image) =>
    call(path('cosign-3.1'), [kind === 'image' ? 'verify' : 'verify-attestation', ...(kind === 'image' ? [] : ['--type', type]),
      '--trusted-root', site.trustedRoot, '--allow-insecure-registry', ...signer, image], env()));
  add('cosign-2.6', 'cosign-2.6', ['image', 'image-attestation'], (_bundle, kind, type, image, api) =>
    call(path('cosign-2.6'), [kind === 'image' ? 'verify' : 'verify-attestation', ...(kind === 'image' ? [] : ['--type', type]), ...stamped(api),
      '--rekor-url', site.urls.rekorV1, '--allow-insecure-registry', ...signer, image], env()));
  return all;
}
