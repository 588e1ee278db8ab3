/** Every issuer type that this CA knows; a new one is a file and a line here. */
import { buildkiteJob } from './buildkite-job.js';
import { chainguardIdentity } from './chainguard-identity.js';
import { ciProvider } from './ci-provider.js';
import { codefreshWorkflow } from './codefresh-workflow.js';
import { email } from './email.js';
import { githubWorkflow } from './github-workflow.js';
import { gitlabPipeline } from './gitlab-pipeline.js';
import type { IdentityType } from './identity-type.js';
import { kubernetes } from './kubernetes.js';
import { spiffe } from './spiffe.js';
import { uri } from './uri.js';
import { username } from './username.js';

const TYPES: ReadonlyMap<string, IdentityType> = new Map(
  [
    buildkiteJob,
    chainguardIdentity,
    ciProvider,
    codefreshWorkflow,
    email,
    githubWorkflow,
    gitlabPipeline,
    kubernetes,
    spiffe,
    uri,
    username,
  ].map((type) => [type.name, type]),
);

export function identityType(name: string): IdentityType | undefined {
  return TYPES.get(name);
}

export function identityTypeNames(): readonly string[] {
  return [...TYPES.keys()];
}
