import { concat, fromUtf8 } from '#core/octets';

/** Pre-authentication encoding: what DSSE signatures are over (DSSE protocol, "Signature Definition"). */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = fromUtf8(payloadType);
  return concat(fromUtf8(`DSSEv1 ${type.length} `), type, fromUtf8(` ${payload.length} `), payload);
}
