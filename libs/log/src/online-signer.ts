import { fromBase64 } from '#core/octets';
import type { Hsm, Signer } from '#hsm';
import type { HsmKeyRecord } from '#instance';

/** All that is needed of the token. */
export type SignerSource = Pick<Hsm, 'signer'>;

/** The signer of a key that must be in the token now. @throws {Fault} hsm/… */
export function onlineSigner(hsm: SignerSource, key: HsmKeyRecord): Promise<Signer> {
  return hsm.signer(key.uri, { algorithm: key.algorithm, spki: fromBase64(key.spki) });
}

/** The signer of a frozen shard: its key may be gone from the token, and is hardly ever asked. */
export function retiredSigner(hsm: SignerSource, key: HsmKeyRecord): Signer {
  return {
    uri: key.uri,
    algorithm: key.algorithm,
    spki: fromBase64(key.spki),
    sign: async (message) => await (await onlineSigner(hsm, key)).sign(message),
  };
}
