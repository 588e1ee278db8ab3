/** Heads of trees as the signing side speaks of them; spelt here so that this library needs no other to name them. */
export interface Head {
  readonly size: bigint;
  readonly root: Uint8Array;
}

export interface OriginHead extends Head {
  readonly origin: string;
}

/** The name under which tree heads of a certificate log are remembered: their text names no origin. */
export const STH_ORIGIN = 'rfc6962';

/** What was signed before with one key for one tree, as far as this host and the token know. */
export interface SignedBefore {
  /** The newest line of this host's signing journal; absent if it keeps none for this tree. */
  readonly journal?: Head | undefined;
  /** The largest head kept in the token, whoever wrote it. */
  readonly token?: Head | undefined;
  /** Whether heads of this tree are signed for the asking process from now on. */
  readonly open: boolean;
}
