/**
 * Which faults stop a log, and which only raise the alarm.
 *
 * What proofs and signatures are made of stops it: tiles, heads, checkpoints, published files. Where these contradict
 * each other, some proof that the log hands out does not hold, or two readers may be shown different things, and the
 * next signature would vouch for it. So do leaves under the tile that is still growing, since its bundle is yet to be
 * published, and rows beyond the head, which the next batch would meet.
 *
 * A damaged body, time, key or promise of the past loses data under a commitment that stays right: it shows that the
 * body is wrong, and what it must be. A log that stopped for each of them would turn one flipped bit into an outage of
 * everything that is signed, and gain nothing: the next signature says nothing that is not so.
 */
import { TILE_WIDTH } from '#core/tile';
import type { Finding } from './finding.js';

const WIDTH = BigInt(TILE_WIDTH);

/** @param size of the tree now */
export function stopsSigning({ what, at }: Finding, size: bigint): boolean {
  switch (what) {
    case 'tile/missing':
    case 'tile/width':
    case 'tile/hash':
    case 'tile/extra':
    case 'head/missing':
    case 'head/root':
    case 'checkpoint/signature':
    case 'checkpoint/root':
    case 'checkpoint/extra':
    case 'claim/root':
    case 'claim/signature':
    case 'claim/extra':
    case 'file/differs':
    case 'file/extra':
    case 'leaf/extra':
      return true;
    case 'leaf/missing':
    case 'leaf/body':
    case 'leaf/hash':
      return at.index !== undefined && BigInt(at.index) >= (size / WIDTH) * WIDTH;
    case 'leaf/time':
    case 'file/missing':
    case 'key/missing':
    case 'key/extra':
    case 'search/missing':
    case 'search/extra':
    case 'promise/signature':
    case 'promise/extra':
      return false;
  }
}
