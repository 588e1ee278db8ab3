/** How often keys were used, as the agent of a token counts it. */
import type { Purpose } from './purpose.js';

/**
 * The uses of one key for one purpose, as counted by one agent since it began to count. The number of signatures that
 * the agent asked its token for lies between `counted - uncertain` and `counted`; `failed` of them gave none.
 */
export interface KeyUses {
  /** SHA-256 of the public key, hexadecimal. */
  readonly key: string;
  /** What the token called it. */
  readonly label: string;
  readonly purpose: Purpose;
  /** Never less than what was asked of the token. */
  readonly counted: bigint;
  /** At most so many of `counted` did not happen: blocks that were open when an agent died. */
  readonly uncertain: bigint;
  /** Asked of the token, without a signature that left the agent. */
  readonly failed: bigint;
  /** Given out, and perhaps in no book: their process died soon afterwards, or said that it could not book them. */
  readonly adrift: bigint;
  /** When this pair was first counted. */
  readonly since: Date;
}

/** Something that the counts cannot answer for; it stays in their record. */
export interface CountBreak {
  readonly at: Date;
  readonly reason: string;
}

export interface UsesReport {
  /** The name of this series of counts: another one after the file was lost, another one on each host. */
  readonly counter: string;
  /** Since when it counts. */
  readonly since: Date;
  /** Whether the counts outlive the agent. */
  readonly durable: boolean;
  /** The most that one death of the agent can add to `uncertain` of a pair. */
  readonly block: number;
  readonly breaks: readonly CountBreak[];
  readonly uses: readonly KeyUses[];
}
