export { CaModule } from './ca.module.js';
export {
  IssueCertificate,
  type CertificateLog,
  type IssueCertificatePorts,
  type IssuedCertificate,
  type SigningRequest,
} from './issue-certificate.js';
export { caInForce, issuingCa, type IssuingCa } from './issuing-ca.js';
export { PostgresIssuanceJournal, type IssuanceIntent, type IssuanceJournal } from './issuance-record.js';
export { type KeyClaim, proveKey } from './prove-key.js';
export { checkKeyFit } from './fit-keys.js';
import { CaIssuance1763700100000 } from './issuance-record.js';
export const migrations = [CaIssuance1763700100000];
