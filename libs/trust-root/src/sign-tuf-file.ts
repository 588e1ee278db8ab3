import { formatTufFile, signingInput, tufSignature, type AnySigned } from '#core/tuf';
import type { Signer } from '#hsm';

/** The file as published: each signer in turn signs the same canonical bytes. */
export async function signTufFile(signed: AnySigned, signers: readonly Signer[]): Promise<Uint8Array> {
  const input = signingInput(signed);
  const signatures = [];
  for (const signer of signers) signatures.push(tufSignature(signer.spki, await signer.sign(input)));
  return formatTufFile({ signed, signatures });
}
