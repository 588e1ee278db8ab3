/**
 * The facts about a build that Fulcio writes into certificates, with the name each has in the two spellings
 * of the issuers file and the OID under which it stands (sigstore's registry, arc 1.3.6.1.4.1.57264.1).
 *
 * The order of this table is the order in the certificate: the deprecated raw ones first, then the issuer as
 * UTF8String, then the rest by number (CONTRACTS §1.6).
 */
const ARC = '1.3.6.1.4.1.57264.1';

export const EXTENSIONS = [
  ['issuer-raw', 1, 'Issuer'],
  ['github-workflow-trigger', 2, 'GithubWorkflowTrigger'],
  ['github-workflow-sha', 3, 'GithubWorkflowSHA'],
  ['github-workflow-name', 4, 'GithubWorkflowName'],
  ['github-workflow-repository', 5, 'GithubWorkflowRepository'],
  ['github-workflow-ref', 6, 'GithubWorkflowRef'],
  ['issuer', 8, 'IssuerV2'],
  ['build-signer-uri', 9, 'BuildSignerURI'],
  ['build-signer-digest', 10, 'BuildSignerDigest'],
  ['runner-environment', 11, 'RunnerEnvironment'],
  ['source-repository-uri', 12, 'SourceRepositoryURI'],
  ['source-repository-digest', 13, 'SourceRepositoryDigest'],
  ['source-repository-ref', 14, 'SourceRepositoryRef'],
  ['source-repository-identifier', 15, 'SourceRepositoryIdentifier'],
  ['source-repository-owner-uri', 16, 'SourceRepositoryOwnerURI'],
  ['source-repository-owner-identifier', 17, 'SourceRepositoryOwnerIdentifier'],
  ['build-config-uri', 18, 'BuildConfigURI'],
  ['build-config-digest', 19, 'BuildConfigDigest'],
  ['build-trigger', 20, 'BuildTrigger'],
  ['run-invocation-uri', 21, 'RunInvocationURI'],
  ['source-repository-visibility-at-signing', 22, 'SourceRepositoryVisibilityAtSigning'],
  ['deployment-environment', 23, 'DeploymentEnvironment'],
  ['subject', 24, 'Subject'],
] as const;

/** Name of an extension that a token's claims may fill; issuer and subject always come from the token. */
export type BuildFact = Exclude<(typeof EXTENSIONS)[number][0], 'issuer-raw' | 'issuer' | 'subject'>;

export type BuildFacts = Readonly<Partial<Record<BuildFact, string>>>;

/** Extensions as they stand in the certificate; empty values are left out, the issuer stands twice. */
export function orderedExtensions(
  issuer: string,
  subject: string,
  facts: BuildFacts = {},
): readonly (readonly [oid: string, value: string])[] {
  const values: Readonly<Record<string, string | undefined>> = {
    ...facts,
    'issuer-raw': issuer,
    issuer,
    subject,
  };
  return EXTENSIONS.flatMap(([name, number]) => {
    const value = values[name];
    return value === undefined || value === '' ? [] : [[`${ARC}.${number}`, value] as const];
  });
}
