/** A token of our own timestamp authority over octets of ours: asked for as any client would. */
import { sha256 } from '#core/crypto';
import { nullValue, objectIdentifier, octetString, readSequence, sequence } from '#core/der';
import { Fault } from '#core/fault';
import { HASH_OID, type TimestampRequest } from '#core/timestamp';

/** PKIStatus (RFC 3161 §2.4.2). */
const GRANTED = 0;

/** Whoever answers timestamp requests. */
export interface Stamps {
  execute(request: TimestampRequest): Promise<Uint8Array>;
}

/** Resolves to a TimeStampResp with a token, DER. @throws {Fault} audit/no-token, timestamp/…, hsm/… */
export async function stampOctets(authority: Stamps, octets: Uint8Array): Promise<Uint8Array> {
  const hashedMessage = sha256(octets);
  const response = await authority.execute({
    imprint: sequence(sequence(objectIdentifier(HASH_OID.sha256), nullValue()), octetString(hashedMessage)),
    hash: 'sha256',
    hashedMessage,
    policy: undefined,
    nonce: undefined,
    // Whoever verifies in ten years should not have to look for it.
    certificates: true,
    extensions: false,
  });
  const status = readSequence(response, (members) => {
    const found = members.sequence().smallInteger();
    if (!members.atEnd) members.element();
    return found;
  });
  if (status !== GRANTED)
    throw new Fault('unavailable', 'audit/no-token', 'the timestamp authority stamps nothing now');
  return response;
}
