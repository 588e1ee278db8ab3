import { Fault } from '#core/fault';
import { bundlePath, readBundle } from '../bundle-file.js';
import { networkCalls, stayOffline } from '../network.js';
import { print } from '../output.js';
import { flag, readArtifact, trustedRootPath } from '../places.js';
import type { Flags } from '../verb.js';
import { STATEMENT_PAYLOAD_TYPE, verifyStatement } from '../statement.js';
import { expectedSigner, verifyBundle } from '../verification.js';

/** `airseal verify-blob-attestation ARTIFACT` */
export function verifyBlobAttestation([artifact = '']: string[], flags: Flags): Promise<void> {
  stayOffline();
  const expected = expectedSigner(flags);
  const bundle = readBundle(bundlePath(flags, artifact));
  const { content } = bundle;
  if (content.$case !== 'dsseEnvelope' || content.dsseEnvelope.payloadType !== STATEMENT_PAYLOAD_TYPE) {
    throw new Fault(
      'unverified',
      'bundle/no-signature',
      'the bundle holds no in-toto statement; try verify-blob',
    );
  }
  // The signature first: nothing is read from a payload that nobody vouched for.
  const signer = verifyBundle(bundle, trustedRootPath(flags), expected);
  const type = verifyStatement(content.dsseEnvelope.payload, readArtifact(artifact), flag(flags, 'type'));
  print(flags, { verified: true, artifact, predicateType: type, ...signer, networkCalls: networkCalls() }, [
    `Verified OK: statement ${type} about ${artifact} signed by ${signer.identity} (issuer ${signer.issuer})`,
    `network calls: ${networkCalls()}`,
  ]);
  return Promise.resolve();
}
