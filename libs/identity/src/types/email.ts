/** People and machines known by an e-mail address that the issuer has verified. */
import { Fault } from '#core/fault';
import type { JsonValue } from '#core/json';
import { requiredText } from '../claims.js';
import { parseClaimPath, textAtPath } from '../claim-path.js';
import { isEmailAddress } from '../email-address.js';
import type { IdentityType } from './identity-type.js';

/** Some issuers write the boolean as text; both spellings of true count, nothing else does. */
function isTrue(value: JsonValue | undefined): boolean {
  return value === true || value === 'true' || value === 'True';
}

export const email: IdentityType = {
  name: 'email',
  challengeClaim: 'email',
  checkSettings(issuer) {
    if (issuer.issuerClaim !== '') parseClaimPath(issuer.issuerClaim);
  },
  read({ claims, issuer: tokenIssuer }, { issuer }) {
    const address = requiredText(claims, 'email');
    if (!issuer.skipEmailVerification && !isTrue(claims['email_verified'])) {
      throw new Fault(
        'refused',
        'identity/email-unverified',
        'the issuer has not verified this e-mail address',
      );
    }
    if (!isEmailAddress(address)) {
      throw new Fault('refused', 'identity/not-an-email', 'the email claim is not an e-mail address');
    }
    return {
      sanType: 'email',
      san: address,
      issuer: issuer.issuerClaim === '' ? tokenIssuer : textAtPath(claims, issuer.issuerClaim),
    };
  },
};
