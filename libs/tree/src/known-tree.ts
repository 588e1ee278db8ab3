import type { TreeRules } from './fsck/tree-rules.js';

/** A tree that this installation keeps, as whoever checks it needs to know it: nothing here can sign. */
export interface KnownTree {
  readonly name: string;
  /** Whose signing journal speaks of it, and under which name. */
  readonly signedBy: { readonly origin: string; readonly spki: Uint8Array };
  readonly rules: TreeRules;
}
