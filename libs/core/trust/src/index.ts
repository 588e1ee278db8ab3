export { certificateName } from './certificate-name.js';
export { lintSigningConfig, lintSuccession, lintTrustedRoot, type TrustFinding } from './lint.js';
export type {
  AuthorityFact,
  CheckpointLogFact,
  LogFact,
  PublicKeyFact,
  PublicMaterial,
  Window,
} from './material.js';
export {
  compileClientTrustConfig,
  compileSigningConfig,
  formatTrustFile,
  type ClientTrustConfig,
  type RekorApi,
  type SigningConfig,
  type SigningService,
} from './signing-config.js';
export {
  checkpointLogId,
  compileTrustedRoot,
  keyHashLogId,
  type TrustedAuthority,
  type TrustedLog,
  type TrustedRoot,
  type ValidFor,
} from './trusted-root.js';
