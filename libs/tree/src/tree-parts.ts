/** What a tree is made of: handed in by `Trees`, so that nothing here is looked up or defaulted. */
import type { Pool } from 'pg';
import type { Fault } from '#core/fault';
import type { Clock, Logger } from '#platform';
import type { Barrier } from './barrier.js';
import type { CheckpointFormat } from './checkpoints.js';
import type { TileFiles } from './tile-files.js';
import type { TreeMetrics } from './tree-metrics.js';

export interface TreeParts {
  readonly name: string;
  readonly shard: number;
  readonly frozen: boolean;
  readonly pool: Pool;
  readonly files: TileFiles;
  readonly format: CheckpointFormat;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: TreeMetrics;
  readonly barrier: Barrier;
  readonly maxBatch: number;
  /** Leaves that may wait; more are refused with a hint to come back. */
  readonly maxWaiting: number;
  /** Shortest time between two checkpoints. */
  readonly checkpointPauseMs: number;
  readonly published: () => void;
  readonly proofFailed: () => void;
  /** Whether this host begins its signing journal by itself where neither it nor the token remembers anything. */
  readonly adoptUnknown: boolean;
  /** Told, once, why the tree went into quarantine. */
  readonly isolated: (fault: Fault) => void;
}
