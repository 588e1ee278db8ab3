/** Identities of Chainguard: the issuer and the subject, joined. */
import { joinUri } from '../uri-text.js';
import type { IdentityType } from './identity-type.js';

export const chainguardIdentity: IdentityType = {
  name: 'chainguard-identity',
  challengeClaim: 'sub',
  read({ issuer, subject }) {
    return { sanType: 'uri', san: joinUri(issuer, subject) };
  },
};
