/** Workflow runs of GitHub Actions; the name in the certificate is the workflow file that ran. */
import { requiredText } from '../claims.js';
import { joinUri } from '../uri-text.js';
import type { IdentityType } from './identity-type.js';

const HOST = 'https://github.com/';

export const githubWorkflow: IdentityType = {
  name: 'github-workflow',
  challengeClaim: 'sub',
  read({ claims }) {
    const claim = (name: string): string => requiredText(claims, name);
    const repository = claim('repository');
    const workflow = joinUri(HOST, claim('job_workflow_ref'));
    return {
      sanType: 'uri',
      san: workflow,
      facts: {
        'github-workflow-trigger': claim('event_name'),
        'github-workflow-sha': claim('sha'),
        'github-workflow-name': claim('workflow'),
        'github-workflow-repository': repository,
        'github-workflow-ref': claim('ref'),
        'build-signer-uri': workflow,
        'build-signer-digest': claim('job_workflow_sha'),
        'runner-environment': claim('runner_environment'),
        'source-repository-uri': joinUri(HOST, repository),
        'source-repository-digest': claim('sha'),
        'source-repository-ref': claim('ref'),
        'source-repository-identifier': claim('repository_id'),
        'source-repository-owner-uri': joinUri(HOST, claim('repository_owner')),
        'source-repository-owner-identifier': claim('repository_owner_id'),
        'build-config-uri': joinUri(HOST, claim('workflow_ref')),
        'build-config-digest': claim('workflow_sha'),
        'build-trigger': claim('event_name'),
        'run-invocation-uri': joinUri(
          HOST,
          repository,
          'actions/runs',
          claim('run_id'),
          'attempts',
          claim('run_attempt'),
        ),
        'source-repository-visibility-at-signing': claim('repository_visibility'),
      },
    };
  },
};
