import { bundlePath, readBundle } from '../bundle-file.js';
import { networkCalls, stayOffline } from '../network.js';
import { print } from '../output.js';
import { readArtifact, trustedRootPath } from '../places.js';
import type { Flags } from '../verb.js';
import { expectedSigner, verifyBundle } from '../verification.js';

/** `airseal verify-blob ARTIFACT` */
export function verifyBlob([artifact = '']: string[], flags: Flags): Promise<void> {
  stayOffline();
  const expected = expectedSigner(flags);
  const bundle = readBundle(bundlePath(flags, artifact));
  const signer = verifyBundle(bundle, trustedRootPath(flags), expected, readArtifact(artifact));
  print(flags, { verified: true, artifact, ...signer, networkCalls: networkCalls() }, [
    `Verified OK: ${artifact} signed by ${signer.identity} (issuer ${signer.issuer})`,
    `network calls: ${networkCalls()}`,
  ]);
  return Promise.resolve();
}
