import { generateKeyPairSync, sign } from 'node:crypto';
import type { HeadSigner } from '#hsm';

/** A P-256 key in memory that remembers nothing, for specs whose subject is not the token. */
export function softwareSigner(
  name = 'software',
  delayMs = 0,
): HeadSigner & { calls(): number; inFlight(): number } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let calls = 0;
  let inFlight = 0;
  let most = 0;
  return {
    uri: `pkcs11:object=${name}`,
    algorithm: 'ecdsa-p256-sha256',
    spki: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    async sign(message) {
      calls++;
      most = Math.max(most, ++inFlight);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      inFlight--;
      return new Uint8Array(sign('sha256', message, privateKey));
    },
    announce: () => Promise.resolve({ open: true }),
    adopt: () => Promise.resolve(),
    calls: () => calls,
    /** The most signatures that were ever in flight together. */
    inFlight: () => most,
  };
}
