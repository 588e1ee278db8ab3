import { describe, expect, test } from '@jest/globals';
import { issuerFor, parseIssuersFile, wildcardPattern } from './issuers-file.js';

const wrong = expect.objectContaining({ code: 'identity/issuers-file' }) as unknown as Error;
const one = (url: string, rest: string): string =>
  `oidc-issuers:\n  ${url}: { issuer-url: "${url}", client-id: sigstore, ${rest} }\n`;

describe('the issuers file', () => {
  test('reads anchors, issuers, wildcards and templates as upstream writes them', () => {
    const file = parseIssuersFile(`
define:
  - &forge-type "forge"
oidc-issuers:
  https://accounts.example.com:
    issuer-url: https://accounts.example.com
    client-id: sigstore
    type: email
    contact: keepers@example.com
    description: "Accounts"
    environment: production
    skip-email-verification: true
  https://ci.example.com:
    issuer-url: https://ci.example.com
    client-id: sigstore
    type: ci-provider
    ci-provider: *forge-type
meta-issuers:
  https://oidc.eks.*.amazonaws.com/id/*:
    client-id: sigstore
    type: kubernetes
ci-issuer-metadata:
  *forge-type:
    default-template-values:
      url: "https://forge.example"
    extension-templates:
      source-repository-ref: refs/{{if eq .ref_type "branch"}}heads/{{ else }}tags/{{end}}{{ .ref }}
      a-later-extension: sha
    subject-alternative-name-template: "{{ .url }}/{{ .repository }}"
`);
    expect(issuerFor(file, 'https://accounts.example.com')).toMatchObject({
      clientId: 'sigstore',
      skipEmailVerification: true,
      challengeClaim: 'email',
    });
    expect(issuerFor(file, 'https://ci.example.com')?.ciProvider).toBe('forge');
    expect(issuerFor(file, 'https://oidc.eks.us-west-2.amazonaws.com/id/B02C')).toMatchObject({
      issuerUrl: 'https://oidc.eks.us-west-2.amazonaws.com/id/B02C',
      challengeClaim: 'sub',
    });
    expect(issuerFor(file, 'https://nobody.example')).toBeUndefined();
    expect(file.ignored).toEqual(['ci-issuer-metadata forge: a-later-extension']);
  });

  test('reads the JSON variant', () => {
    const file = parseIssuersFile(
      JSON.stringify({
        OIDCIssuers: {
          'https://accounts.example.com': {
            IssuerURL: 'https://accounts.example.com',
            ClientID: 'sigstore',
            Type: 'email',
            IssuerClaim: '$.a.b',
          },
        },
        MetaIssuers: {
          'https://*.example.org/*': { ClientID: 'other', Type: 'ci-provider', CIProvider: 'p' },
        },
        CIIssuerMetadata: {
          p: { ExtensionTemplates: { BuildSignerURI: '{{ .x }}' }, SubjectAlternativeNameTemplate: 'x' },
        },
      }),
    );
    expect(issuerFor(file, 'https://accounts.example.com')?.issuerClaim).toBe('$.a.b');
    expect(issuerFor(file, 'https://a.example.org/b')?.clientId).toBe('other');
    expect(file.providers['p']?.extensions.map(([name]) => name)).toEqual(['build-signer-uri']);
  });

  test('matches a wildcard over letters, digits, "_" and "-" of one part, and anchored at both ends', () => {
    const pattern = wildcardPattern('https://oidc.eks.*.amazonaws.com/id/*');
    expect(pattern.test('https://oidc.eks.us-west-2.amazonaws.com/id/B02C93B6A2D30341AD01E1B6D48164CB')).toBe(
      true,
    );
    for (const foreign of [
      'https://oidc.eks.a.b.amazonaws.com/id/x',
      'https://oidc.eks..amazonaws.com/id/x',
      'https://oidcxeks.us.amazonaws.com/id/x',
      'https://evil.example/?https://oidc.eks.us.amazonaws.com/id/x',
      'https://oidc.eks.us.amazonaws.com/id/x/y',
      'https://oidc.eks.us.amazonaws.com/id/x\n',
    ]) {
      expect(pattern.test(foreign)).toBe(false);
    }
  });

  test.each([
    ['an unknown type', one('https://a.example.com', 'type: magic')],
    ['no type', one('https://a.example.com', 'description: x')],
    ['no audience', 'oidc-issuers: { "https://a.example.com": { type: email } }'],
    [
      'two names for one issuer',
      'oidc-issuers: { "https://a.example.com": { issuer-url: "https://b.example.com", client-id: s, type: email } }',
    ],
    ['an issuer that is no URL', one('accounts.example.com', 'type: email')],
    ['issuer-claim on another type', one('https://a.example.com', 'type: kubernetes, issuer-claim: $.a')],
    ['a uri issuer without domain', one('https://a.example.com', 'type: uri')],
    [
      'a uri issuer whose domain has no scheme',
      one('https://a.example.com', 'type: uri, subject-domain: example.com'),
    ],
    [
      'a uri issuer of another domain',
      one('https://a.example.com', 'type: uri, subject-domain: "https://example.org"'),
    ],
    [
      'a uri issuer of another scheme',
      one('https://a.example.com', 'type: uri, subject-domain: "http://example.com"'),
    ],
    [
      'a username issuer with a scheme',
      one('https://a.example.com', 'type: username, subject-domain: "https://example.com"'),
    ],
    [
      'a username issuer of another domain',
      one('https://a.example.com', 'type: username, subject-domain: example.org'),
    ],
    ['a spiffe issuer without trust domain', one('https://a.example.com', 'type: spiffe')],
    [
      'a spiffe issuer with a bad trust domain',
      one('https://a.example.com', 'type: spiffe, spiffe-trust-domain: "not#a#domain"'),
    ],
    [
      'a spiffe wildcard',
      'meta-issuers: { "https://*.example.com": { client-id: s, type: spiffe, spiffe-trust-domain: a.b } }',
    ],
    [
      'a ci-provider that nobody describes',
      one('https://a.example.com', 'type: ci-provider, ci-provider: x'),
    ],
    ['a ca-cert that is none', one('https://a.example.com', 'type: email, ca-cert: nonsense')],
    ['no map', '- a'],
    ['no YAML', '{'],
  ])('refuses %s', (_name, source) => {
    expect(() => parseIssuersFile(source)).toThrow(wrong);
  });

  test('refuses an issuer-claim that would choose among values', () => {
    for (const path of ['$..a', '$.a[*]', '$.a[?(@.b)]', '$', '$.a[0:2]']) {
      expect(() =>
        parseIssuersFile(one('https://a.example.com', `type: email, issuer-claim: "${path}"`)),
      ).toThrow(expect.objectContaining({ code: 'identity/issuer-claim' }));
    }
  });

  test('accepts domains of one owner', () => {
    for (const domain of ['example.com', 'accounts.example.com', 'users.example.com']) {
      expect(() =>
        parseIssuersFile(one('https://accounts.example.com', `type: username, subject-domain: ${domain}`)),
      ).not.toThrow();
      expect(() =>
        parseIssuersFile(
          one('https://accounts.example.com', `type: uri, subject-domain: "https://${domain}"`),
        ),
      ).not.toThrow();
    }
  });
});
