import { basename } from 'node:path';
import { bundleToJSON, type Bundle } from '@sigstore/bundle';
import { Fault, isFault } from '#core/fault';
import { fromUtf8 } from '#core/octets';
import { bundlePath, writeBundle } from '../bundle-file.js';
import { type Deposit, depositStatement } from '../deposit.js';
import { print } from '../output.js';
import { flag, readArtifact, readJson, requiredFlag, trustedRootPath } from '../places.js';
import type { Flags } from '../verb.js';
import { sign } from '../signing.js';
import { formatStatement, predicateType, STATEMENT_PAYLOAD_TYPE } from '../statement.js';
import { verifyBundle } from '../verification.js';

/** A bundle without its deposit is whole, but nobody finds it by its subject: so the caller is told. */
async function deposit(flags: Flags, bundle: Bundle, path: string): Promise<Deposit> {
  try {
    return await depositStatement(flags, fromUtf8(JSON.stringify(bundleToJSON(bundle))));
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    throw new Fault(
      cause.kind,
      cause.code,
      `the statement is signed, logged and in ${path}, but could not be deposited: ${cause.message}. Run \`airseal statement put ${path}\``,
      { cause },
    );
  }
}

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
  const deposited = await deposit(flags, bundle, path);

  const logIndex = bundle.verificationMaterial.tlogEntries[0]?.logIndex ?? '';
  const uri = predicateType(type);
  print(
    flags,
    { artifact, bundle: path, predicateType: uri, ...signer, logIndex, statement: deposited.statement },
    [
      `attested ${artifact} (${uri}) as ${signer.identity} (issuer ${signer.issuer})`,
      `log index ${logIndex}, bundle written to ${path}`,
      `statement ${deposited.statement} is held, and found by its subject`,
    ],
  );
}
