import { bundlePath, writeBundle } from '../bundle-file.js';
import { print } from '../output.js';
import { readArtifact, trustedRootPath } from '../places.js';
import type { Flags } from '../verb.js';
import { sign } from '../signing.js';
import { verifyBundle } from '../verification.js';

/** `airseal sign-blob ARTIFACT` */
export async function signBlob([artifact = '']: string[], flags: Flags): Promise<void> {
  const data = readArtifact(artifact);
  const bundle = await sign(flags, 'messageSignature', { data });
  const signer = verifyBundle(bundle, trustedRootPath(flags), undefined, data);
  const path = bundlePath(flags, artifact);
  writeBundle(path, bundle);

  const entry = bundle.verificationMaterial.tlogEntries[0];
  const logIndex = entry?.logIndex ?? '';
  print(flags, { artifact, bundle: path, identity: signer.identity, issuer: signer.issuer, logIndex }, [
    `signed ${artifact} as ${signer.identity} (issuer ${signer.issuer})`,
    `log index ${logIndex}, bundle written to ${path}`,
  ]);
}
