/**
 * Offline verification of a bundle, on the kept sigstore library.
 *
 * What holds when `verifyBundle` returns: the artifact (or statement) was signed by the key in the
 * certificate; the certificate chains to the trusted root, was valid at a time that a log or a timestamp
 * authority vouches for, and stands in the certificate log; the signature stands in the transparency log;
 * the signer and the issuer are the ones asked for.
 */
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import type { Bundle } from '@sigstore/bundle';
import { Fault } from '#core/fault';
import { flag } from './places.js';
import { trustedRootIn } from './trusted-root-file.js';
import type { Flags } from './verb.js';

/** Who must have signed: exact text, or a pattern that must match the whole of it. */
export interface ExpectedSigner {
  readonly identity: string | RegExp;
  readonly issuer: string | RegExp;
}

export interface VerifiedSigner {
  readonly identity: string;
  readonly issuer: string;
}

function wholeMatch(pattern: string, spelling: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u');
  } catch (cause) {
    throw new Fault('malformed', 'cli/bad-pattern', `${spelling} is not a regular expression`, { cause });
  }
}

/** @throws {Fault} cli/no-signer unless both the identity and the issuer are asked for */
export function expectedSigner(flags: Flags): ExpectedSigner {
  const identity = flag(flags, 'certificateIdentity');
  const identityPattern = flag(flags, 'certificateIdentityRegexp');
  const issuer = flag(flags, 'certificateOidcIssuer');
  const issuerPattern = flag(flags, 'certificateOidcIssuerRegexp');
  if ((identity ?? identityPattern) === undefined || (issuer ?? issuerPattern) === undefined) {
    throw new Fault(
      'malformed',
      'cli/no-signer',
      'say whose signature you expect: --certificate-identity and --certificate-oidc-issuer (or their -regexp forms)',
    );
  }
  return {
    identity: identity ?? wholeMatch(identityPattern ?? '', '--certificate-identity-regexp'),
    issuer: issuer ?? wholeMatch(issuerPattern ?? '', '--certificate-oidc-issuer-regexp'),
  };
}

function matches(expected: string | RegExp, actual: string): boolean {
  return typeof expected === 'string' ? expected === actual : expected.test(actual);
}

/**
 * Size and root stand in a proof twice: in the signed checkpoint, which decides, and bare beside it. The library
 * reads the signed ones and overlooks the others; whoever reads a bundle by eye does the opposite.
 */
function assertOneTree(bundle: Bundle): void {
  for (const { inclusionProof } of bundle.verificationMaterial.tlogEntries) {
    if (inclusionProof?.checkpoint === undefined) continue;
    const [, size, root] = inclusionProof.checkpoint.envelope.split('\n');
    if (
      size !== inclusionProof.treeSize ||
      root !== Buffer.from(inclusionProof.rootHash).toString('base64')
    ) {
      throw new Fault(
        'unverified',
        'bundle/not-verified',
        'not verified: the proof names another tree than its own checkpoint',
      );
    }
  }
}

/**
 * @throws {Fault} bundle/not-verified naming what does not hold; bundle/other-signer when all holds but
 *   somebody else signed
 */
export function verifyBundle(
  bundle: Bundle,
  trustedRootFile: string,
  expected: ExpectedSigner | undefined,
  artifact?: Uint8Array,
): VerifiedSigner {
  assertOneTree(bundle);
  const root = trustedRootIn(trustedRootFile);
  let signer: ReturnType<Verifier['verify']>;
  try {
    const entity = toSignedEntity(bundle, artifact === undefined ? undefined : Buffer.from(artifact));
    signer = new Verifier(toTrustMaterial(root)).verify(entity);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault('unverified', 'bundle/not-verified', `not verified: ${why}`, { cause });
  }

  const identity = signer.identity?.subjectAlternativeName ?? '';
  const issuer = signer.identity?.extensions?.issuer ?? '';
  if (expected !== undefined && !(matches(expected.identity, identity) && matches(expected.issuer, issuer))) {
    throw new Fault(
      'unverified',
      'bundle/other-signer',
      `signed by ${identity} (issuer ${issuer}), not by the signer asked for`,
    );
  }
  return { identity, issuer };
}
