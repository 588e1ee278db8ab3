export { hostOf, Instance, Mode, parseInstance } from './instance.js';
export { parseTrustMaterial, TrustMaterial, type HsmKeyRecord } from './trust-material.js';
export {
  INSTANCE,
  InstanceModule,
  loadInstance,
  loadTrustMaterial,
  TRUST_MATERIAL,
  trustMaterialPath,
} from './instance.module.js';
