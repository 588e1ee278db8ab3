/** Build systems described in the issuers file: templates turn the claims into the name and the facts. */
import { Fault } from '#core/fault';
import { printedClaims } from '../claims.js';
import type { BuildFact } from '../extensions.js';
import { uriText } from '../uri-text.js';
import type { IdentityType } from './identity-type.js';

export const ciProvider: IdentityType = {
  name: 'ci-provider',
  challengeClaim: 'sub',
  read({ claims }, { issuer, providers }) {
    const provider = Object.hasOwn(providers, issuer.ciProvider) ? providers[issuer.ciProvider] : undefined;
    if (provider?.subjectAlternativeName === undefined) {
      throw new Fault(
        'refused',
        'identity/ci-provider',
        `no ci-issuer-metadata describes "${issuer.ciProvider}"`,
      );
    }
    // Claims win over defaults: a default stands for what a token may leave out.
    const values = { ...provider.defaults, ...printedClaims(claims) };
    const facts: Partial<Record<BuildFact, string>> = {};
    for (const [name, template] of provider.extensions) facts[name] = template(values);
    return { sanType: 'uri', san: uriText(provider.subjectAlternativeName(values)), facts };
  },
};
