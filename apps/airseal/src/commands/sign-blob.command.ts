import { readFileSync } from 'node:fs';
import { Fault } from '#core/fault';
import { bundlePath, writeBundle } from '../bundle-file.js';
import { print } from '../output.js';
import { trustedRootPath } from '../places.js';
import type { Flags } from '../program.js';
import { sign } from '../signing.js';
import { verifyBundle } from '../verification.js';

/** Reads the artifact named on the command line. */
export function readArtifact(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Fault('absent', 'cli/file-not-found', `cannot read the artifact ${path}`, { cause });
  }
}

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
