/** Timestamps (RFC 3161): what is asked, and the bytes of the answer. */
export {
  admitTimestampRequest,
  HASH_OID,
  parseJsonTimestampRequest,
  parseTimestampRequest,
  type TimestampRequest,
} from './request.js';
export {
  draftToken,
  FAILURE,
  formatFailure,
  SIGSTORE_POLICY,
  STATUS,
  type TokenDraft,
  type TokenProfile,
} from './token.js';
