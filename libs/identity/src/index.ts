export { BUILT_IN_ISSUER, IdentityModule } from './identity.module.js';
export type { Identity, SanType } from './identity.js';
export { ProveIdentity, type ProveIdentityPorts } from './prove-identity.js';
export { issuerFor, parseIssuersFile, type IssuersFile } from './issuers-file.js';
export type { IssuerSettings } from './types/identity-type.js';
export { identityType, identityTypeNames } from './types/registry.js';
export { FixedKeys, type IssuerKeys } from './issuer-keys.js';
export { AUDIENCE, BuiltInIssuer, type BuiltInIssuerPorts } from './issuer/built-in-issuer.js';
export {
  MachineIdentities,
  type Machine,
  type NewMachine,
  type RegisteredMachine,
} from './issuer/machine-identities.js';
export { SignIn, type SignInOutcome } from './people/sign-in.js';
export { Accounts, type Account, type SetPasswordLink } from './people/accounts.js';
import { IdentityIssuer1763700000000, MachineEntity } from './issuer/issuer-tables.js';
import { AccountEntity, IdentityPeople1795305600000 } from './people/people-tables.js';
export const migrations = [IdentityIssuer1763700000000, IdentityPeople1795305600000];
export const entities = [MachineEntity, AccountEntity];
