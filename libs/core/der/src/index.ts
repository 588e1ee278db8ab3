/** Distinguished Encoding Rules (X.690): a strict reader and a writer with one spelling per value. */
export { TAG, contextConstructed, contextPrimitive } from './tag.js';
export { oidContent, dottedOid } from './oid.js';
export { generalizedTimeText, isUtcTimeYear, parseGeneralizedTime, parseUtcTime } from './time.js';
export {
  bitString,
  boolean,
  element,
  enumerated,
  explicit,
  generalizedTime,
  ia5Content,
  ia5String,
  implicitPrimitive,
  integer,
  namedBits,
  nullValue,
  objectIdentifier,
  octetString,
  printableString,
  sequence,
  setOf,
  time,
  unsignedInteger,
  utf8String,
} from './writer.js';
export { DerReader, readSequence, signedValue, type Bits, type DerElement } from './reader.js';
export { verifyDer } from './verify-der.js';
export { ecdsaDerToRaw, ecdsaRawToDer } from './ecdsa.js';
