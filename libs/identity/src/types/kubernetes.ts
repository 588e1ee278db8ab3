/** Service accounts of a cluster. */
import { isJsonObject } from '#core/json';
import { missingClaim, requiredText } from '../claims.js';
import { uriText } from '../uri-text.js';
import type { IdentityType } from './identity-type.js';

export const kubernetes: IdentityType = {
  name: 'kubernetes',
  challengeClaim: 'sub',
  read({ claims }) {
    const about = claims['kubernetes.io'];
    if (!isJsonObject(about)) throw missingClaim('kubernetes.io');
    const account = about['serviceaccount'];
    if (!isJsonObject(account)) throw missingClaim('kubernetes.io.serviceaccount');
    const namespace = requiredText(about, 'namespace');
    const name = requiredText(account, 'name');
    return {
      sanType: 'uri',
      san: uriText(`https://kubernetes.io/namespaces/${namespace}/serviceaccounts/${name}`),
    };
  },
};
