/** Jobs of Buildkite; the name in the certificate is the pipeline. */
import { requiredText } from '../claims.js';
import { uriText } from '../uri-text.js';
import type { IdentityType } from './identity-type.js';

export const buildkiteJob: IdentityType = {
  name: 'buildkite-job',
  challengeClaim: 'sub',
  read({ claims }) {
    const organisation = requiredText(claims, 'organization_slug');
    return {
      sanType: 'uri',
      san: uriText(`https://buildkite.com/${organisation}/${requiredText(claims, 'pipeline_slug')}`),
    };
  },
};
