/** Workloads named by a URI of one declared scheme and host. */
import { Fault } from '#core/fault';
import { isEmailAddress } from '../email-address.js';
import { subjectDomainOfUri } from '../subject-domain.js';
import { schemeAndHost, uriText } from '../uri-text.js';
import type { IdentityType } from './identity-type.js';

export const uri: IdentityType = {
  name: 'uri',
  challengeClaim: 'sub',
  checkSettings: subjectDomainOfUri,
  read({ subject }, { issuer }) {
    if (isEmailAddress(subject)) {
      throw new Fault('refused', 'identity/not-a-uri', 'this issuer names URIs, not e-mail addresses');
    }
    const san = uriText(subject);
    const expected = schemeAndHost(issuer.subjectDomain);
    const named = schemeAndHost(san);
    if (named.scheme !== expected.scheme || named.host !== expected.host) {
      throw new Fault(
        'refused',
        'identity/subject-domain',
        `subjects of this issuer start with ${issuer.subjectDomain}`,
      );
    }
    return { sanType: 'uri', san };
  },
};
