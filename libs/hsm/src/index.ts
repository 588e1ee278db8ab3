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
export type { KeyAlgorithm, Signer } from './signer.js';
export type { TokenSettings } from './token-settings.js';
