/**
 * What can be told from what a log keeps: from a leaf alone, and from a leaf with its envelope.
 *
 * `indexKeysOf` says under which keys a leaf must stand in the index. It is what an index is compared with and rebuilt
 * from, so it must give the very keys that were written when the entry was taken in; a property holds it to that.
 */
import { digest } from '#core/crypto';
import { isJsonObject, parseJson } from '#core/json';
import { ENVELOPE_FACET, HELD_FACET, signerFacets, statementFacets } from './facets.js';
import type { LeafContent } from './proposed-entry.js';
import { malformed } from './refuse.js';
import { derivedKeysOf, digestKey, readStatement, statementKeys } from './search-keys.js';
import type { Deposit } from './deposit.js';
import { readV1Leaf } from './v1/read.js';
import { readV2Leaf } from './v2/leaf.js';

export interface LeafFacts extends LeafContent {
  readonly kind: string;
  readonly version: string;
}

/** Reads a leaf of either face. @throws {Fault} json/malformed, entry/… */
export function readLeaf(body: Uint8Array): LeafFacts {
  const entry = parseJson(body);
  if (!isJsonObject(entry)) throw malformed('the leaf is not a JSON object');
  const { kind, apiVersion: version, spec } = entry;
  if (typeof kind !== 'string' || typeof version !== 'string' || !isJsonObject(spec)) {
    throw malformed('the leaf has no kind, version or spec');
  }
  const isV2 = version === '0.0.2' && (kind === 'hashedrekord' || kind === 'dsse');
  return { kind, version, ...(isV2 ? readV2Leaf(kind, spec) : readV1Leaf(entry)) };
}

/** Every key under which a leaf stands in the index, given the envelope that is kept for it. */
export function indexKeysOf(leaf: LeafFacts, held: Deposit | undefined): string[] {
  if (held === undefined) {
    return [
      ...derivedKeysOf(...leaf.searchKeys),
      ...signerFacets(leaf.signers),
      ...(leaf.envelope ? [ENVELOPE_FACET] : []),
    ];
  }
  const about = readStatement(held.payloadType, held.payload);
  return [
    ...derivedKeysOf(
      ...leaf.searchKeys,
      digestKey('sha256', digest('sha256', held.payload)),
      ...paeKeys(leaf, held),
      ...statementKeys(about),
    ),
    ...signerFacets(leaf.signers),
    ...statementFacets(about),
    ENVELOPE_FACET,
    HELD_FACET,
  ];
}

/** Where the leaf does not hold the digest that was signed, the envelope does (dsse 0.0.2). */
function paeKeys({ kind, version, signatures }: LeafFacts, held: Deposit): string[] {
  if (kind !== 'dsse' || version !== '0.0.2') return [];
  return signatures.flatMap(({ over }) =>
    over === 'message' ? [] : [digestKey(over.digestBy, digest(over.digestBy, held.signed))],
  );
}
