export { formatDoctorReport } from './doctor.js';
export { assertEligible, isEligible } from './eligibility.js';
export { HSM, HsmModule } from './hsm.module.js';
export { Hsm, type ExpectedKey, type HsmLogger, type HsmOptions, type NewKey } from './hsm.js';
export type {
  AttributeReport,
  AttributeRow,
  Backup,
  BenchFigure,
  DoctorFinding,
  DoctorReport,
  Inventory,
  KeyRecord,
  TokenInfo,
  Verdict,
} from './key-report.js';
export { formatPkcs11Uri, namesToken, parsePkcs11Uri, type Pkcs11Uri } from './pkcs11-uri.js';
export { STH_ORIGIN, type Head, type OriginHead, type SignedBefore } from './heads.js';
export { readJournalHead } from './agent/journal-file.js';
export { journalDirectory } from './journal-directory.js';
export { newestJournalMs } from './journal-times.js';
export { PURPOSES, trialMessage, type PlainPurpose, type Purpose } from './purpose.js';
export type { HeadSigner, KeyAlgorithm, Signer } from './signer.js';
export type { CountBreak, KeyUses, UsesReport } from './uses.js';
export type { TokenSettings } from './token-settings.js';
