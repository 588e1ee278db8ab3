export type { Identity, SanType } from './identity.js';
export { ProveIdentity, type ProveIdentityPorts } from './prove-identity.js';
export { issuerFor, parseIssuersFile, type IssuersFile } from './issuers-file.js';
export type { IssuerSettings } from './types/identity-type.js';
export { identityType, identityTypeNames } from './types/registry.js';
export { FixedKeys, type IssuerKeys } from './issuer-keys.js';
