import { basename } from 'node:path';
import { bundlePath, writeBundle } from '../bundle-file.js';
import { print } from '../output.js';
import { flag, readArtifact, readJson, requiredFlag, trustedRootPath } from '../places.js';
import type { Flags } from '../program.js';
import { sign } from '../signing.js';
import { formatStatement, predicateType, STATEMENT_PAYLOAD_TYPE } from '../statement.js';
import { verifyBundle } from '../verification.js';

/** `airseal attest-blob ARTIFACT --predicate FILE --type TYPE` */
export async function attestBlob([artifact = '']: string[], flags: Flags): Promise<void> {
  const data = readArtifact(artifact);
  const type = flag(flags, 'type') ?? 'custom';
  const predicate = readJson(requiredFlag(flags, 'predicate', '--predicate'), 'predicate');
  const statement = formatStatement(basename(artifact), data, type, predicate);
  const bundle = await sign(flags, 'dsseEnvelope', { data: statement, type: STATEMENT_PAYLOAD_TYPE });
  const signer = verifyBundle(bundle, trustedRootPath(flags), undefined);
  const path = bundlePath(flags, artifact);
  writeBundle(path, bundle);

  const logIndex = bundle.verificationMaterial.tlogEntries[0]?.logIndex ?? '';
  const uri = predicateType(type);
  print(flags, { artifact, bundle: path, predicateType: uri, ...signer, logIndex }, [
    `attested ${artifact} (${uri}) as ${signer.identity} (issuer ${signer.issuer})`,
    `log index ${logIndex}, bundle written to ${path}`,
  ]);
}
