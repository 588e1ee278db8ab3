import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '#core/json';
import { orderedExtensions } from '../extensions.js';
import { issuerFor, parseIssuersFile } from '../issuers-file.js';
import type { Reading } from './identity-type.js';

// Claims, settings and results follow the tables of upstream's principal tests, one group per type.
const FILE = parseIssuersFile(`
oidc-issuers:
  https://iss.example.com: { client-id: sigstore, type: email }
  https://dex.other.com: { client-id: sigstore, type: email, issuer-claim: $.federated.issuer }
  https://internal.example.com: { client-id: sigstore, type: email, skip-email-verification: true }
  https://users.example.com: { client-id: sigstore, type: username, subject-domain: example.com }
  https://accounts.example.com: { client-id: sigstore, type: uri, subject-domain: "https://example.com" }
  https://spiffe.example.com: { client-id: sigstore, type: spiffe, spiffe-trust-domain: example.com }
  https://kubernetes.example.com: { client-id: sigstore, type: kubernetes }
  https://token.actions.githubusercontent.com: { client-id: sigstore, type: github-workflow }
  https://gitlab.com: { client-id: sigstore, type: gitlab-pipeline }
  https://agent.buildkite.com: { client-id: sigstore, type: buildkite-job }
  https://oidc.codefresh.io: { client-id: sigstore, type: codefresh-workflow }
  https://issuer.enforce.dev: { client-id: sigstore, type: chainguard-identity }
  https://ci.example.com: { client-id: sigstore, type: ci-provider, ci-provider: forge }
ci-issuer-metadata:
  forge:
    default-template-values: { url: "https://forge.example", environment: "" }
    extension-templates:
      build-signer-uri: "{{ .url }}/{{ .job_workflow_ref }}"
      source-repository-digest: sha
      source-repository-identifier: repository_id
      deployment-environment: environment
      subject: sha
    subject-alternative-name-template: "{{ .url }}/{{ .job_workflow_ref }}"
`);

function read(
  issuer: string,
  claims: JsonObject,
): Reading & { readonly extensions: Readonly<Record<string, string>> } {
  const settings = issuerFor(FILE, issuer);
  if (settings === undefined) throw new Error('no such issuer in the file');
  const subject = typeof claims['sub'] === 'string' ? claims['sub'] : 'doesntmatter';
  const reading = settings.type.read(
    { issuer, subject, claims },
    { issuer: settings, providers: FILE.providers },
  );
  return {
    ...reading,
    extensions: Object.fromEntries(orderedExtensions(reading.issuer ?? issuer, subject, reading.facts)),
  };
}

const refused = (code: string): unknown => expect.objectContaining({ kind: 'refused', code });
const without = (claims: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));

describe('email', () => {
  const iss = 'https://iss.example.com';

  test('names the address', () => {
    expect(read(iss, { email: 'alice@example.com', email_verified: true })).toMatchObject({
      sanType: 'email',
      san: 'alice@example.com',
      issuer: iss,
    });
  });

  test('takes the issuer from the claim that the settings name, and needs it', () => {
    const claims = { email: 'alice@example.com', email_verified: 'true' };
    const federated = { issuer: 'https://example.com' };
    expect(read('https://dex.other.com', { ...claims, federated }).issuer).toBe('https://example.com');
    expect(() => read('https://dex.other.com', claims)).toThrow(refused('identity/claim-missing') as Error);
  });

  test('needs a verified address, unless the settings trust the issuer with that', () => {
    for (const email_verified of [false, 'false', null, 1, 'yes']) {
      expect(() => read(iss, { email: 'alice@example.com', email_verified })).toThrow(
        refused('identity/email-unverified') as Error,
      );
    }
    expect(() => read(iss, { email: 'alice@example.com' })).toThrow(
      refused('identity/email-unverified') as Error,
    );
    expect(read('https://internal.example.com', { email: 'alice@example.com' }).san).toBe(
      'alice@example.com',
    );
  });

  test('refuses what is no address', () => {
    expect(() => read(iss, { email_verified: true })).toThrow(refused('identity/claim-missing') as Error);
    for (const email of [
      'foo.com',
      'a b@example.com',
      'a@b',
      '"x"@example.com',
      'a@exämple.com',
      'a@example.com\n',
    ]) {
      expect(() => read(iss, { email, email_verified: true })).toThrow(
        refused('identity/not-an-email') as Error,
      );
    }
  });
});

describe('username', () => {
  test('joins the name and the domain with "!"', () => {
    expect(read('https://users.example.com', { sub: 'alice' })).toMatchObject({
      sanType: 'other-name',
      san: 'alice!example.com',
    });
  });

  test('refuses names with "!" and addresses', () => {
    for (const sub of ['alice!evil.example', 'alice@example.com']) {
      expect(() => read('https://users.example.com', { sub })).toThrow(refused('identity/username') as Error);
    }
  });
});

describe('uri', () => {
  const iss = 'https://accounts.example.com';

  test('names the subject', () => {
    expect(read(iss, { sub: 'https://example.com/users/1' })).toMatchObject({
      sanType: 'uri',
      san: 'https://example.com/users/1',
    });
  });

  test('refuses another host, another scheme and addresses', () => {
    for (const sub of [
      'https://notexample.com/users/1',
      'https://example.com.evil.org/1',
      'http://example.com/1',
      'https://example.com@evil.org/',
    ]) {
      expect(() => read(iss, { sub })).toThrow(refused('identity/subject-domain') as Error);
    }
    expect(() => read(iss, { sub: 'alice@example.com' })).toThrow(refused('identity/not-a-uri') as Error);
  });
});

describe('spiffe', () => {
  test('names a workload of the trust domain', () => {
    expect(read('https://spiffe.example.com', { sub: 'spiffe://example.com/foo/bar' }).san).toBe(
      'spiffe://example.com/foo/bar',
    );
  });

  test('refuses other trust domains and what is no SPIFFE ID', () => {
    for (const sub of [
      'spiffe://foo.example.com/foo',
      'not-a-spiffe-id',
      'spiffe://example.com/a/../b',
      'spiffe://example.com//a',
      'spiffe://example.com:1/a',
      'spiffe://Example.com/a',
    ]) {
      expect(() => read('https://spiffe.example.com', { sub })).toThrow(
        refused('identity/spiffe-id') as Error,
      );
    }
  });
});

describe('kubernetes', () => {
  test('names the service account', () => {
    const about = {
      namespace: 'default',
      pod: { name: 'p', uid: 'u' },
      serviceaccount: { name: 'builder', uid: 'u' },
    };
    expect(read('https://kubernetes.example.com', { 'kubernetes.io': about }).san).toBe(
      'https://kubernetes.io/namespaces/default/serviceaccounts/builder',
    );
  });

  test('needs namespace and account', () => {
    for (const about of [
      {},
      { namespace: 'd' },
      { serviceaccount: { name: 'x' } },
      { namespace: '', serviceaccount: { name: 'x' } },
    ]) {
      expect(() => read('https://kubernetes.example.com', { 'kubernetes.io': about })).toThrow(
        refused('identity/claim-missing') as Error,
      );
    }
  });
});

describe('github-workflow', () => {
  const iss = 'https://token.actions.githubusercontent.com';
  const claims = {
    event_name: 'push',
    job_workflow_ref: 'sigstore/fulcio/.github/workflows/foo.yaml@refs/heads/main',
    job_workflow_sha: 'example-sha',
    ref: 'refs/heads/main',
    repository: 'sigstore/fulcio',
    repository_id: '12345',
    repository_owner: 'username',
    repository_owner_id: '345',
    repository_visibility: 'public',
    run_attempt: '1',
    run_id: '42',
    runner_environment: 'cloud-hosted',
    sha: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    sub: 'repo:sigstore/fulcio:ref:refs/heads/main',
    workflow: 'foo',
    workflow_ref: 'sigstore/other/.github/workflows/foo.yaml@refs/heads/main',
    workflow_sha: 'example-sha-other',
  };

  test('writes every fact under its own OID', () => {
    const { san, extensions } = read(iss, claims);
    const arc = '1.3.6.1.4.1.57264.1';
    expect(san).toBe('https://github.com/sigstore/fulcio/.github/workflows/foo.yaml@refs/heads/main');
    expect(extensions).toEqual({
      [`${arc}.1`]: iss,
      [`${arc}.2`]: 'push',
      [`${arc}.3`]: claims.sha,
      [`${arc}.4`]: 'foo',
      [`${arc}.5`]: 'sigstore/fulcio',
      [`${arc}.6`]: 'refs/heads/main',
      [`${arc}.8`]: iss,
      [`${arc}.9`]: san,
      [`${arc}.10`]: 'example-sha',
      [`${arc}.11`]: 'cloud-hosted',
      [`${arc}.12`]: 'https://github.com/sigstore/fulcio',
      [`${arc}.13`]: claims.sha,
      [`${arc}.14`]: 'refs/heads/main',
      [`${arc}.15`]: '12345',
      [`${arc}.16`]: 'https://github.com/username',
      [`${arc}.17`]: '345',
      [`${arc}.18`]: 'https://github.com/sigstore/other/.github/workflows/foo.yaml@refs/heads/main',
      [`${arc}.19`]: 'example-sha-other',
      [`${arc}.20`]: 'push',
      [`${arc}.21`]: 'https://github.com/sigstore/fulcio/actions/runs/42/attempts/1',
      [`${arc}.22`]: 'public',
      [`${arc}.24`]: claims.sub,
    });
  });

  test.each(Object.keys(claims).filter((name) => name !== 'sub'))('needs %s', (name) => {
    expect(() => read(iss, without(claims, name))).toThrow(
      expect.objectContaining({ detail: { claim: name } }),
    );
  });
});

describe('gitlab-pipeline', () => {
  const iss = 'https://gitlab.com';
  const claims = {
    sub: 'project_path:cpanato/testing-cosign:ref_type:branch:ref:main',
    project_id: '42831435',
    project_path: 'cpanato/testing-cosign',
    namespace_path: 'cpanato',
    namespace_id: '1730270',
    pipeline_id: '757451528',
    pipeline_source: 'push',
    ci_config_ref_uri: 'gitlab.com/cpanto/testing-cosign//.gitlab-ci.yml@refs/head/main',
    ci_config_sha: '714a629c0b401fdce83e847fc9589983fc6f46bc',
    job_id: '3659681386',
    ref: 'main',
    ref_type: 'branch',
    sha: '714a629c0b401fdce83e847fc9589983fc6f46bc',
    runner_id: 1,
    runner_environment: 'gitlab-hosted',
    project_visibility: 'public',
  };

  test('names the pipeline definition and the job', () => {
    const { san, facts } = read(iss, claims);
    expect(san).toBe('https://gitlab.com/cpanto/testing-cosign//.gitlab-ci.yml@refs/head/main');
    expect(facts).toMatchObject({
      'build-config-uri': san,
      'source-repository-ref': 'refs/heads/main',
      'source-repository-uri': 'https://gitlab.com/cpanato/testing-cosign',
      'run-invocation-uri': 'https://gitlab.com/cpanato/testing-cosign/-/jobs/3659681386',
    });
    expect(read(iss, { ...claims, ref_type: 'tag' }).facts?.['source-repository-ref']).toBe('refs/tags/main');
    expect(() => read(iss, { ...claims, ref_type: 'constructor' })).toThrow(
      refused('identity/ref-type') as Error,
    );
  });

  test.each(
    Object.keys(claims).filter((name) => !['sub', 'ci_config_sha', 'project_visibility'].includes(name)),
  )('needs %s', (name) => {
    expect(() => read(iss, without(claims, name))).toThrow(
      expect.objectContaining({ detail: { claim: name } }),
    );
  });
});

describe('ci-provider', () => {
  const iss = 'https://ci.example.com';
  const claims = { sub: 's', job_workflow_ref: 'a/b/c@main', sha: 'abc', repository_id: 42831435 };

  test('fills the templates; claims win over defaults; numbers are integers; empty values are left out', () => {
    const { san, extensions } = read(iss, claims);
    expect(san).toBe('https://forge.example/a/b/c@main');
    expect(extensions).toEqual({
      '1.3.6.1.4.1.57264.1.1': iss,
      '1.3.6.1.4.1.57264.1.8': iss,
      '1.3.6.1.4.1.57264.1.9': 'https://forge.example/a/b/c@main',
      '1.3.6.1.4.1.57264.1.13': 'abc',
      '1.3.6.1.4.1.57264.1.15': '42831435',
      '1.3.6.1.4.1.57264.1.24': 's',
    });
    expect(read(iss, { ...claims, url: 'https://other.example' }).san).toBe(
      'https://other.example/a/b/c@main',
    );
    expect(read(iss, { ...claims, environment: 'production' }).extensions['1.3.6.1.4.1.57264.1.23']).toBe(
      'production',
    );
  });

  test('refuses a token that lacks what a template names', () => {
    expect(() => read(iss, without(claims, 'sha'))).toThrow(refused('identity/claim-missing') as Error);
  });
});

describe('the older types of build systems', () => {
  test('buildkite-job names the pipeline', () => {
    const claims = { organization_slug: 'acme-inc', pipeline_slug: 'bash-example' };
    expect(read('https://agent.buildkite.com', claims).san).toBe(
      'https://buildkite.com/acme-inc/bash-example',
    );
    expect(() => read('https://agent.buildkite.com', without(claims, 'pipeline_slug'))).toThrow(
      refused('identity/claim-missing') as Error,
    );
  });

  test('codefresh-workflow names account and pipeline, by name and by identifier', () => {
    const claims = {
      account_id: '628a80b693a15c0f9c13ab75',
      account_name: 'codefresh-account',
      pipeline_id: '65e5a53e52853dc51a5b0cc1',
      pipeline_name: 'oidc-test/get-token',
      workflow_id: '64f447c02199f903000gh20',
    };
    const { san, facts } = read('https://oidc.codefresh.io', claims);
    expect(san).toBe(
      'https://g.codefresh.io/codefresh-account/oidc-test/get-token:628a80b693a15c0f9c13ab75/65e5a53e52853dc51a5b0cc1',
    );
    expect(facts).toMatchObject({
      'build-signer-uri': 'https://g.codefresh.io/build/64f447c02199f903000gh20',
      'build-config-uri': 'https://g.codefresh.io/api/pipelines/65e5a53e52853dc51a5b0cc1',
    });
  });

  test('chainguard-identity joins issuer and subject', () => {
    expect(read('https://issuer.enforce.dev', { sub: 'foo/bar' }).san).toBe(
      'https://issuer.enforce.dev/foo/bar',
    );
  });
});
