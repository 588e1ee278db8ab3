import { z } from 'zod';
import { Base64, busy, type DoorDeclaration, GatewayError, json } from '../../openapi/declaration.js';

const Pem = z.string().startsWith('-----BEGIN CERTIFICATE-----\n');
const Chain = z.strictObject({ certificates: z.array(Pem).min(1) });
const ClaimedKey = z.looseObject({
  algorithm: z.string().optional().describe('not looked at: a key says itself what it is'),
  content: z.string().describe('PEM public key'),
});

const errors = {
  400: {
    about: 'a token, key or proof that is not accepted; `message` says which',
    content: json('Error'),
  },
  413: { about: 'larger than the limit of the settings', content: json('Error') },
  500: {
    about: 'the certificate log or the token failed; no certificate was issued',
    content: json('Error'),
  },
  ...busy('Error'),
};

export const fulcioDeclaration: DoorDeclaration = {
  name: 'fulcio',
  title: 'Certificate authority (Fulcio)',
  about:
    'Ten-minute certificates for proven identities. The same service answers gRPC under dev.sigstore.fulcio.v2.CA. Members of requests may be spelt in camelCase or snake_case; unknown ones are ignored.',
  schemas: {
    SigningRequest: z.looseObject({
      credentials: z.looseObject({ oidcIdentityToken: z.string() }).optional(),
      publicKeyRequest: z
        .looseObject({
          publicKey: ClaimedKey,
          proofOfPossession: z.string().describe('base64 signature over the subject of the token'),
        })
        .optional(),
      certificateSigningRequest: z.string().optional().describe('base64 of a PEM PKCS#10 request'),
    }),
    SigningRequestV1: z.looseObject({
      publicKey: z.looseObject({ content: Base64.describe('DER SubjectPublicKeyInfo') }).optional(),
      signedEmailAddress: Base64.optional(),
      certificateSigningRequest: z.string().optional(),
    }),
    SigningCertificate: z.strictObject({
      signedCertificateEmbeddedSct: z.strictObject({
        chain: Chain.describe('leaf first, root last'),
      }),
    }),
    TrustBundle: z.strictObject({ chains: z.array(Chain) }),
    Configuration: z.strictObject({
      issuers: z.array(
        z.strictObject({
          issuerUrl: z.string().optional(),
          wildcardIssuerUrl: z.string().optional(),
          audience: z.string(),
          challengeClaim: z.string(),
          spiffeTrustDomain: z.string(),
          issuerType: z.string(),
          subjectDomain: z.string(),
          skipEmailVerification: z.boolean(),
        }),
      ),
    }),
    Error: GatewayError,
  },
  operations: [
    {
      method: 'post',
      path: '/api/v2/signingCert',
      about: 'Issues a certificate for the identity in the token.',
      parameters: [
        { name: 'authorization', in: 'header', about: 'Bearer token, where `credentials` has none' },
      ],
      request: json('SigningRequest'),
      answers: {
        200: { about: 'the certificate, with one embedded SCT', content: json('SigningCertificate') },
        ...errors,
      },
    },
    {
      method: 'get',
      path: '/api/v2/trustBundle',
      about: 'Chains that certificates of this authority end in.',
      answers: { 200: { about: 'issuing certificate first', content: json('TrustBundle') } },
    },
    {
      method: 'get',
      path: '/api/v2/configuration',
      about: 'Issuers whose tokens are accepted.',
      answers: { 200: { about: 'one entry per issuer', content: json('Configuration') } },
    },
    {
      method: 'post',
      path: '/api/v1/signingCert',
      about: 'Issues a certificate, as clients of the first API ask.',
      parameters: [{ name: 'authorization', in: 'header', about: 'Bearer token', required: true }],
      request: json('SigningRequestV1'),
      answers: {
        201: { about: 'PEM, leaf first', content: [{ type: 'application/pem-certificate-chain' }] },
        ...errors,
      },
    },
    {
      method: 'get',
      path: '/api/v1/rootCert',
      about: 'The trusted chains as PEM.',
      answers: { 200: { about: 'PEM', content: [{ type: 'application/pem-certificate-chain' }] } },
    },
  ],
};
