/**
 * What every implementation of the port owes, on whatever token: run by the specs of each provider.
 */
import { describe, expect, test } from '@jest/globals';
import { parsePublicKey, verifySignature } from '#core/crypto';
import { trialMessage } from './purpose.js';
import type { KeyAlgorithm, Signer } from './signer.js';

/** `make` gives a signer for trials with a key of its own for each algorithm that the provider offers. */
export function signerContract(
  algorithms: readonly KeyAlgorithm[],
  make: (algorithm: KeyAlgorithm) => Promise<Signer>,
): void {
  describe.each(algorithms)('a signer for %s', (algorithm) => {
    test('signs messages of any length, and the signatures verify with its public key alone', async () => {
      const signer = await make(algorithm);
      expect(signer.algorithm).toBe(algorithm);
      const key = parsePublicKey(signer.spki);
      for (const length of [0, 1, 31, 32, 33, 47, 48, 49, 64, 1000, 200_000]) {
        const message = trialMessage('~'.repeat(length));
        verifySignature(key, message, await signer.sign(message));
      }
    });

    test('gives each of many requests its own signature', async () => {
      const signer = await make(algorithm);
      const key = parsePublicKey(signer.spki);
      const messages = Array.from({ length: 50 }, (_, at) => trialMessage(String(at)));
      const signatures = await Promise.all(messages.map((message) => signer.sign(message)));
      for (const [at, message] of messages.entries())
        verifySignature(key, message, signatures[at] ?? new Uint8Array());
    });

    test('does not name a PIN, a slot or a library', async () => {
      expect((await make(algorithm)).uri).toMatch(/^pkcs11:token=[^;?]+;object=[^;?]+$/);
    });
  });
}
