/** User names of one domain: the certificate says `name!domain`, which cannot be mistaken for an e-mail address. */
import { Fault } from '#core/fault';
import { isEmailAddress } from '../email-address.js';
import { subjectDomainOfUsername } from '../subject-domain.js';
import type { IdentityType } from './identity-type.js';

export const username: IdentityType = {
  name: 'username',
  challengeClaim: 'sub',
  checkSettings: subjectDomainOfUsername,
  read({ subject }, { issuer }) {
    if (subject.includes('!')) {
      throw new Fault('refused', 'identity/username', 'a user name may not contain "!"');
    }
    if (isEmailAddress(subject)) {
      throw new Fault('refused', 'identity/username', 'this issuer names users, not e-mail addresses');
    }
    return { sanType: 'other-name', san: `${subject}!${issuer.subjectDomain}` };
  },
};
