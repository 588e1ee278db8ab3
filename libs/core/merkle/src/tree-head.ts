/** What a log commits to: so many leaves, under this root. */
export interface TreeHead {
  readonly size: bigint;
  readonly root: Uint8Array;
}
