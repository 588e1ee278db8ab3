/** The certificate logs as whoever checks them needs to know them. */
import { sha256 } from '#core/crypto';
import { concat, fromBase64, fromUtf8 } from '#core/octets';
import { STH_ORIGIN } from '#hsm';
import type { TrustMaterial } from '#instance';
import type { KnownTree } from '#tree';
import { sthChecker } from './sth-format.js';

const DOMAIN = fromUtf8('airseal ct identity\n');
/** Version and leaf type come before the time of the promise (RFC 6962 §3.4). */
const TIME_AT = 2;
const TIME_BYTES = 8;

/** What makes two submissions the same: the leaf with its time left out. */
export function identityOfLeaf(leaf: Uint8Array): Uint8Array {
  const timeless = leaf.slice();
  timeless.fill(0, TIME_AT, TIME_AT + TIME_BYTES);
  return sha256(concat(DOMAIN, timeless));
}

export function ctTrees({ ctLogs }: TrustMaterial): KnownTree[] {
  return ctLogs.map(({ name, key }) => {
    const spki = fromBase64(key.spki);
    return {
      name: `ct/${name}`,
      signedBy: { origin: STH_ORIGIN, spki },
      rules: { verifyCheckpoint: sthChecker(spki), identityOf: identityOfLeaf },
    };
  });
}
