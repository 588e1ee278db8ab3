export type { KeyAlgorithm, Signer } from './signer.js';
