/** Pipeline jobs of gitlab.com; the name in the certificate is the pipeline definition that ran. */
import { Fault } from '#core/fault';
import { missingClaim, optionalText, requiredText } from '../claims.js';
import { joinUri, uriText } from '../uri-text.js';
import type { IdentityType } from './identity-type.js';

const HOST = 'https://gitlab.com/';

const REF_PREFIX: Readonly<Record<string, string>> = { branch: 'refs/heads/', tag: 'refs/tags/' };

export const gitlabPipeline: IdentityType = {
  name: 'gitlab-pipeline',
  challengeClaim: 'sub',
  read({ claims }) {
    const claim = (name: string): string => requiredText(claims, name);
    const project = claim('project_path');
    // The claim has no scheme: it names a file on this or another GitLab, and https is what both speak.
    const definition = uriText(`https://${claim('ci_config_ref_uri')}`);
    const refType = claim('ref_type');
    const prefix = Object.hasOwn(REF_PREFIX, refType) ? REF_PREFIX[refType] : undefined;
    if (prefix === undefined) {
      throw new Fault('refused', 'identity/ref-type', 'ref_type is neither branch nor tag');
    }
    claim('pipeline_id');
    if (typeof claims['runner_id'] !== 'number' || claims['runner_id'] === 0) throw missingClaim('runner_id');
    const digest = optionalText(claims, 'ci_config_sha');
    return {
      sanType: 'uri',
      san: definition,
      facts: {
        'build-signer-uri': definition,
        'build-signer-digest': digest,
        'runner-environment': claim('runner_environment'),
        'source-repository-uri': joinUri(HOST, project),
        'source-repository-digest': claim('sha'),
        'source-repository-ref': prefix + claim('ref'),
        'source-repository-identifier': claim('project_id'),
        'source-repository-owner-uri': joinUri(HOST, claim('namespace_path')),
        'source-repository-owner-identifier': claim('namespace_id'),
        'build-config-uri': definition,
        'build-config-digest': digest,
        'build-trigger': claim('pipeline_source'),
        'run-invocation-uri': joinUri(HOST, project, '/-/jobs/', claim('job_id')),
        'source-repository-visibility-at-signing': optionalText(claims, 'project_visibility'),
      },
    };
  },
};
