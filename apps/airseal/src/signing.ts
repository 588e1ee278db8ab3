/**
 * Online signing, on the kept sigstore library: one fresh key per signature that never touches the disk,
 * a ten-minute certificate, a log entry, a timestamp. The bundle is verified before it is written, so a
 * wrong trusted root fails the signer who can mend it, not the verifier who cannot.
 */
import { bundleBuilderFromSigningConfig, type Artifact } from '@sigstore/sign';
import { SigningConfig } from '@sigstore/protobuf-specs';
import type { Bundle } from '@sigstore/bundle';
import { Fault } from '#core/fault';
import { identityToken } from './identity-token.js';
import { trustAuthorities } from './tls-authorities.js';
import { caFilePath, readMessageJson, signingConfigPath } from './places.js';
import type { Flags } from './verb.js';

/** Innermost message of a chain of causes: the library wraps what the server said. */
function innermost(error: unknown): string {
  let current: unknown = error;
  let message = '';
  while (current instanceof Error) {
    message = current.message;
    current = current.cause;
  }
  return message;
}

/**
 * @throws {Fault} signing/refused with what the service said; signing/unreachable
 */
export async function sign(
  flags: Flags,
  bundleType: 'messageSignature' | 'dsseEnvelope',
  artifact: Artifact,
): Promise<Bundle> {
  const caFile = caFilePath(flags);
  if (caFile !== undefined) trustAuthorities(caFile);
  const signingConfig = SigningConfig.fromJSON(readMessageJson(signingConfigPath(flags), 'signing config'));
  const token = await identityToken(flags);
  const builder = bundleBuilderFromSigningConfig({
    signingConfig,
    identityProvider: { getToken: () => Promise.resolve(token) },
    bundleType,
    fetchOptions: { timeout: 20_000, retry: { retries: 2 } },
  });
  try {
    return await builder.create(artifact);
  } catch (cause) {
    const why = innermost(cause).replaceAll(token, '<token>');
    const unreachable = /ECONN|ENOTFOUND|ETIMEDOUT|certificate/i.test(why);
    throw new Fault(
      unreachable ? 'unavailable' : 'refused',
      unreachable ? 'signing/unreachable' : 'signing/refused',
      `${cause instanceof Error ? cause.message.replaceAll(token, '<token>') : 'signing failed'}: ${why}`,
      { cause },
    );
  }
}
