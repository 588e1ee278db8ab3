import type { Entity, Migration } from '#platform';
import { SignedVersionEntity } from './signed-version.entity.js';
import { TufSignedVersion1763700000000 } from './tuf-signed-version-1763700000000.js';

export { ExpiryWatch } from './expiry-watch.js';
export { instantMs, instantText } from './instant.js';
export { PostgresSigningRecord } from './postgres-signing-record.js';
export { publishedTargets } from './published-targets.js';
export {
  ReSignOnlineRoles,
  type OnlineFiles,
  type OpenRecord,
  type ReSigned,
  type ReSignPorts,
  type SigningRecord,
} from './re-sign-online-roles.js';
export { RepositoryDirectory } from './repository-directory.js';
export { readAsClientsDo } from './second-reader.js';
export { signTufFile } from './sign-tuf-file.js';
export { TrustRootModule, tufDirectory } from './trust-root.module.js';
export { onlineValidity, type OnlineValidity } from './validity.js';

export const entities: readonly Entity[] = [SignedVersionEntity];
export const migrations: readonly Migration[] = [TufSignedVersion1763700000000];
