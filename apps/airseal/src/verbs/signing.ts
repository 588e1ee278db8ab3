/** What signers do, and whoever verifies and finds what they signed. */
import {
  BUNDLE,
  CREDENTIALS,
  IDENTITY_FLAGS,
  IDENTITY_TOKEN,
  SIGNING_CONFIG,
  TRUSTED_ROOT,
  type Flag,
  type Verb,
} from '../verb.js';

/** What a search may ask; all of it must hold. */
const SEARCH_FLAGS: readonly Flag[] = [
  TRUSTED_ROOT,
  ['--artifact <file>', 'entries over this file (SHA-256)'],
  ['--digest <digest>', 'entries over this digest: hexadecimal digits, or algorithm:digits'],
  ['--identity <text>', 'a name in the certificate, whole, in any case'],
  ['--issuer <url>', 'who vouched for the signer'],
  ['--key <file>', 'PEM file of a key or certificate, or the SHA-256 of its SubjectPublicKeyInfo in hex'],
  ['--about <file>', 'statements about this file (SHA-256)'],
  ['--subject <digest>', 'statements about this digest'],
  ['--predicate <type>', 'statements of this type: a URI, or a short name as in attest-blob'],
  ['--from <time>', 'logged at this instant or later, RFC 3339 in UTC'],
  ['--to <time>', 'logged before this instant'],
  ['--face <version>', 'only v1 or only v2'],
  ['--tree <name>', 'only this tree, such as rekor-v1/2026-1'],
  ['--limit <count>', 'at most so many', '100'],
  ['--all', 'as many as there are'],
];

export const SIGNING_VERBS: readonly Verb[] = [
  {
    path: ['sign-blob'],
    summary: 'sign a file: fresh key, ten-minute certificate, log entry, timestamp, one bundle',
    operands: [['<artifact>', 'file to sign']],
    flags: [BUNDLE, SIGNING_CONFIG, TRUSTED_ROOT, IDENTITY_TOKEN, CREDENTIALS],
    example: 'airseal sign-blob --credentials ci.json --bundle app.sigstore.json app.tar',
    run: async () => (await import('../commands/sign-blob.command.js')).signBlob,
  },
  {
    path: ['verify-blob'],
    summary: 'verify a file against its bundle, offline',
    operands: [['<artifact>', 'file that was signed']],
    flags: [BUNDLE, TRUSTED_ROOT, ...IDENTITY_FLAGS],
    example:
      'airseal verify-blob --certificate-identity ci@corp.example --certificate-oidc-issuer https://id.corp.example app.tar',
    run: async () => (await import('../commands/verify-blob.command.js')).verifyBlob,
  },
  {
    path: ['attest-blob'],
    summary: 'sign a statement (predicate) about a file',
    operands: [['<artifact>', 'file that the statement is about']],
    flags: [
      ['--predicate <file>', 'JSON file that holds the predicate'],
      [
        '--type <type>',
        'predicate type: a URI, or slsaprovenance1, spdxjson, cyclonedx, openvex, vuln, custom',
        'custom',
      ],
      BUNDLE,
      SIGNING_CONFIG,
      TRUSTED_ROOT,
      IDENTITY_TOKEN,
      CREDENTIALS,
    ],
    example: 'airseal attest-blob --predicate sbom.json --type cyclonedx --credentials ci.json app.tar',
    run: async () => (await import('../commands/attest-blob.command.js')).attestBlob,
  },
  {
    path: ['verify-blob-attestation'],
    summary: 'verify a statement about a file, offline',
    operands: [['<artifact>', 'file that the statement is about']],
    flags: [
      BUNDLE,
      TRUSTED_ROOT,
      ['--type <type>', 'predicate type that the statement must have'],
      ...IDENTITY_FLAGS,
    ],
    example:
      'airseal verify-blob-attestation --type cyclonedx --certificate-identity ci@corp.example --certificate-oidc-issuer https://id.corp.example app.tar',
    run: async () => (await import('../commands/verify-blob-attestation.command.js')).verifyBlobAttestation,
  },
  {
    path: ['search'],
    summary: 'search both faces of the log: who signed what, and how much of them the answer covers',
    flags: SEARCH_FLAGS,
    example: 'airseal search --identity ci@corp.example --from 2026-11-01T00:00:00Z --output json',
    run: async () => (await import('../commands/search.command.js')).search,
  },
  {
    path: ['statement', 'put'],
    summary: 'deposit a signed statement beside its log entry, so that it is found by its subject',
    operands: [['<file>', 'DSSE envelope, or the bundle that holds it']],
    flags: [TRUSTED_ROOT],
    example: 'airseal statement put app.sigstore.json',
    run: async () => (await import('../commands/statement.command.js')).putStatement,
  },
  {
    path: ['statement', 'get'],
    summary: 'fetch a signed statement, octet for octet, by the digest of what it signs',
    operands: [['<sha256>', 'SHA-256 of its pre-authentication encoding, as a search names it']],
    flags: [TRUSTED_ROOT, ['--file <file>', 'where to write it (default: standard output)']],
    example:
      'airseal statement get 0dd94b7b5a3fd4ffdd4ac3d1d1ebbbcd4de3cf9b3d9c1e4d7b1bb0d0a1a1d2c3 --file envelope.json',
    run: async () => (await import('../commands/statement.command.js')).getStatement,
  },
  {
    path: ['statement', 'list'],
    summary: 'list statements about a file or a digest, and say how many are held',
    flags: SEARCH_FLAGS,
    example: 'airseal statement list --about app.tar --predicate cyclonedx',
    run: async () => (await import('../commands/statement.command.js')).listStatements,
  },
];
