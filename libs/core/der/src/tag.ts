/** Identifier octets (X.690 §8.1.2) of the types that certificates, requests and tokens are made of. */
export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  T61_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** Identifier octet of `[number]` in its constructed form: EXPLICIT, or IMPLICIT over a constructed type. */
export function contextConstructed(number: number): number {
  return 0xa0 | number;
}

/** Identifier octet of `[number] IMPLICIT` over a primitive type. */
export function contextPrimitive(number: number): number {
  return 0x80 | number;
}
