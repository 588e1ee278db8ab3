/** Workloads named by a SPIFFE ID of exactly one trust domain (SPIFFE-ID §2). */
import { Fault } from '#core/fault';
import type { IdentityType } from './identity-type.js';

const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)*)$/;

export const spiffe: IdentityType = {
  name: 'spiffe',
  challengeClaim: 'sub',
  checkSettings(issuer) {
    if (!TRUST_DOMAIN.test(issuer.spiffeTrustDomain)) {
      throw new Fault(
        'malformed',
        'identity/issuers-file',
        `${issuer.issuerUrl}: a spiffe issuer needs spiffe-trust-domain`,
      );
    }
  },
  read({ subject }, { issuer }) {
    const [, domain, path = ''] = SPIFFE_ID.exec(subject) ?? [];
    if (
      domain === undefined ||
      subject.length > 2048 ||
      path.split('/').some((one) => one === '.' || one === '..')
    ) {
      throw new Fault('refused', 'identity/spiffe-id', 'the subject is not a SPIFFE ID');
    }
    if (domain !== issuer.spiffeTrustDomain) {
      throw new Fault(
        'refused',
        'identity/spiffe-id',
        `subjects of this issuer belong to ${issuer.spiffeTrustDomain}`,
      );
    }
    return { sanType: 'uri', san: subject };
  },
};
