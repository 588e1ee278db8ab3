/** RFC 3161 requests, octet by octet. Every length here is below 128, so each takes one octet. */
import { createHash } from 'node:crypto';

function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const whole = Buffer.concat(content);
  if (whole.length > 127) throw new RangeError('a length of one octet only');
  return Buffer.concat([Buffer.from([tag, whole.length]), whole]);
}

export const OID = {
  sha1: Buffer.from('06052b0e03021a', 'hex'),
  sha256: Buffer.from('0609608648016503040201', 'hex'),
  sha384: Buffer.from('0609608648016503040202', 'hex'),
  sha512: Buffer.from('0609608648016503040203', 'hex'),
  md5: Buffer.from('06082a864886f70d0205', 'hex'),
  policy: Buffer.from('06092b0601040183bf3002', 'hex'),
  otherPolicy: Buffer.from('06092b0601040183bf3003', 'hex'),
};

export interface RequestParts {
  readonly version?: number;
  readonly algorithm?: Uint8Array;
  readonly digest?: Uint8Array;
  readonly policy?: Uint8Array;
  readonly nonce?: Uint8Array;
  readonly certReq?: boolean;
  readonly extensions?: Uint8Array;
}

export function timestampRequest(parts: RequestParts = {}): Buffer {
  const {
    version = 1,
    algorithm = OID.sha256,
    digest = createHash('sha256').update('stamped').digest(),
  } = parts;
  return element(
    0x30,
    Buffer.from([2, 1, version]),
    element(0x30, element(0x30, algorithm, Buffer.from([5, 0])), element(4, digest)),
    parts.policy ?? Buffer.alloc(0),
    parts.nonce === undefined ? Buffer.alloc(0) : element(2, parts.nonce),
    parts.certReq === true ? Buffer.from([1, 1, 0xff]) : Buffer.alloc(0),
    parts.extensions ?? Buffer.alloc(0),
  );
}
