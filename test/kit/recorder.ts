import { randomBytes } from 'node:crypto';
import { RecordEvent } from '#audit';
import { type Clock, systemClock } from '#platform';

/** Records audit events as a replica called `node` would. */
export function recorder(node = 'spec', clock: Clock = systemClock): RecordEvent {
  return new RecordEvent({ clock, node, version: '0.0.0', random: (length) => randomBytes(length) });
}
