/** Workflows of Codefresh; names may change there and identifiers do not, so the certificate carries both. */
import { optionalText, requiredText } from '../claims.js';
import { joinUri } from '../uri-text.js';
import type { IdentityType } from './identity-type.js';

export const codefreshWorkflow: IdentityType = {
  name: 'codefresh-workflow',
  challengeClaim: 'sub',
  read({ claims }) {
    const platform = optionalText(claims, 'platform_url') || 'https://g.codefresh.io';
    const account = requiredText(claims, 'account_id');
    const pipeline = requiredText(claims, 'pipeline_id');
    const build = joinUri(platform, 'build', requiredText(claims, 'workflow_id'));
    const named = `${optionalText(claims, 'pipeline_name')}:${account}/${pipeline}`;
    return {
      sanType: 'uri',
      san: joinUri(platform, optionalText(claims, 'account_name'), named),
      facts: {
        'build-signer-uri': build,
        'runner-environment': optionalText(claims, 'runner_environment'),
        'source-repository-uri': optionalText(claims, 'scm_repo_url'),
        'source-repository-ref': optionalText(claims, 'scm_ref'),
        'build-config-uri': joinUri(platform, 'api', 'pipelines', pipeline),
        'run-invocation-uri': build,
      },
    };
  },
};
