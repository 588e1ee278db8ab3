/**
 * The front door to every primitive that a verifier relies on.
 *
 * Nothing else in Airseal may hash or check signatures for evidence: the architecture rules allow
 * `node:crypto` here, in the HSM agent and in the few places that open TLS or draw random numbers. One
 * door makes `crypto.profile` enforceable and the algorithm inventory complete.
 */
export { digest, sha256, sha384, sha512, keyIdentifier, HASH_LENGTH, type HashName } from './hash.js';
export {
  parsePublicKey,
  publicKeyFromPem,
  type KeyDetails,
  type KeyKind,
  type PublicKey,
} from './public-key.js';
export { hashPassword, passwordMatches } from './password.js';
export { verifySignature, verifyDigestSignature } from './verify.js';
export { verifyJws } from './jws.js';
export {
  ALGORITHMS,
  assertPermitted,
  fipsProviderInUse,
  isPermitted,
  profileInUse,
  useProfile,
  type CryptoProfile,
} from './profile.js';
