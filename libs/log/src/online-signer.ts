import { fromBase64 } from '#core/octets';
import type { HeadSigner, Hsm, PlainPurpose, Signer } from '#hsm';
import type { HsmKeyRecord } from '#instance';

/** All that is needed of the token. */
export type SignerSource = Pick<Hsm, 'signer' | 'headSigner'>;

/** The signer of a key that must be in the token now. @throws {Fault} hsm/… */
export function onlineSigner(hsm: SignerSource, key: HsmKeyRecord, purpose: PlainPurpose): Promise<Signer> {
  return hsm.signer(key.uri, purpose, { algorithm: key.algorithm, spki: fromBase64(key.spki) });
}

/** As `onlineSigner`, for the heads of the log that calls itself `origin`. */
export function onlineHeadSigner(hsm: SignerSource, key: HsmKeyRecord, origin: string): Promise<HeadSigner> {
  return hsm.headSigner(key.uri, origin, { algorithm: key.algorithm, spki: fromBase64(key.spki) });
}

/** The signer of a frozen shard: its key may be gone from the token, and is hardly ever asked. */
export function retiredSigner(hsm: SignerSource, key: HsmKeyRecord, purpose: PlainPurpose): Signer {
  return {
    uri: key.uri,
    algorithm: key.algorithm,
    spki: fromBase64(key.spki),
    sign: async (message) => await (await onlineSigner(hsm, key, purpose)).sign(message),
  };
}

/** As `retiredSigner`, for the heads of a frozen shard. */
export function retiredHeadSigner(hsm: SignerSource, key: HsmKeyRecord, origin: string): HeadSigner {
  const named = { uri: key.uri, algorithm: key.algorithm, spki: fromBase64(key.spki) };
  const open = (): Promise<HeadSigner> => onlineHeadSigner(hsm, key, origin);
  return {
    ...named,
    sign: async (message) => await (await open()).sign(message),
    announce: async (head) => await (await open()).announce(head),
    adopt: async (head) => await (await open()).adopt(head),
  };
}
