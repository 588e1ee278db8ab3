/** Certificate Transparency (RFC 6962): what logs sign, store and promise. */
export {
  certificateExtraData,
  merkleTreeLeaf,
  precertificateExtraData,
  sctSignedInput,
  sthSignedInput,
  type LogEntry,
} from './entry.js';
export {
  digitallySigned,
  formatSct,
  logIdOf,
  parseSct,
  parseSctListExtension,
  sctListExtension,
  verifySct,
  type Sct,
} from './sct.js';
export { TlsReader, vector } from './tls.js';
