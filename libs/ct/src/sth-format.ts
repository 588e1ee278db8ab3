import { parsePublicKey, verifySignature } from '#core/crypto';
import { digitallySigned, sthSignedInput } from '#core/ct';
import { Fault } from '#core/fault';
import { isJsonObject, parseJson } from '#core/json';
import { equalOctets, fromBase64, fromUtf8, toBase64 } from '#core/octets';
import type { HeadSigner } from '#hsm';
import type { CheckpointFormat } from '#tree';

/** Bytes of TLS DigitallySigned before the signature itself: two algorithms and a length. */
const PREFIX = 4;

/** Whether what get-sth answers is the signed tree head of a head. */
export function sthChecker(spki: Uint8Array): CheckpointFormat['verify'] {
  const key = parsePublicKey(spki);
  return (note, head) => {
    const sth = parseJson(fromUtf8(note));
    if (!isJsonObject(sth)) throw new Fault('malformed', 'ct/sth', 'not a signed tree head');
    const { tree_size: size, timestamp, sha256_root_hash: root, tree_head_signature: signature } = sth;
    if (
      typeof timestamp !== 'number' ||
      typeof signature !== 'string' ||
      typeof root !== 'string' ||
      size !== Number(head.size) ||
      !equalOctets(fromBase64(root), head.root)
    ) {
      throw new Fault('unverified', 'ct/other-sth', 'the signed tree head is of another tree');
    }
    verifySignature(
      key,
      sthSignedInput(BigInt(timestamp), head.size, head.root),
      fromBase64(signature).subarray(PREFIX),
    );
  };
}

/** Signed tree heads (RFC 6962 §3.5), kept as the very JSON that get-sth answers (§4.3). */
export function sthFormat(signer: HeadSigner): CheckpointFormat {
  return {
    memory: signer,
    async sign({ size, root, timestampMs }) {
      const signature = await signer.sign(sthSignedInput(timestampMs, size, root));
      return JSON.stringify({
        tree_size: Number(size),
        timestamp: Number(timestampMs),
        sha256_root_hash: toBase64(root),
        tree_head_signature: toBase64(digitallySigned(signature)),
      });
    },
    verify: sthChecker(signer.spki),
  };
}
