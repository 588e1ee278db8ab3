export { hostOf, Instance, Mode, parseInstance } from './instance.js';
export { parseTrustMaterial, TrustMaterial, type HsmKeyRecord } from './trust-material.js';
