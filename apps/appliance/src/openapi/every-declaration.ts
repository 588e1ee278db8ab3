import { boundariesDeclaration } from '../doors/boundaries/boundaries.declaration.js';
import { ctDeclaration } from '../doors/ct/ct.declaration.js';
import { fulcioDeclaration } from '../doors/fulcio/fulcio.declaration.js';
import { healthDeclaration } from '../doors/health/health.declaration.js';
import { rekorV1Declaration } from '../doors/rekor-v1/rekor-v1.declaration.js';
import { rekorV2Declaration } from '../doors/rekor-v2/rekor-v2.declaration.js';
import { searchDeclaration } from '../doors/search/search.declaration.js';
import { statementsDeclaration } from '../doors/statements/statements.declaration.js';
import { timestampDeclaration } from '../doors/timestamp/timestamp.declaration.js';
import { tufDeclaration } from '../doors/tuf/tuf.declaration.js';
import { adminDeclaration } from '../server/admin.declaration.js';
import type { DoorDeclaration } from './declaration.js';

/** Every door with an HTTP API of ours to describe; the built-in issuer's is OpenID Connect's own. */
export const everyDeclaration: readonly DoorDeclaration[] = [
  fulcioDeclaration,
  rekorV1Declaration,
  rekorV2Declaration,
  timestampDeclaration,
  ctDeclaration,
  tufDeclaration,
  boundariesDeclaration,
  searchDeclaration,
  statementsDeclaration,
  healthDeclaration,
  adminDeclaration,
];
