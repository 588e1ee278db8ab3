/**
 * One event of the audit trail, as canonical JSON (RFC 8785): these octets are the leaf.
 *
 * An event holds no secret and no bearer token, at most the digest of one. It carries no number of its own and no
 * link to the one before: its place in the tree is both, and a counter would make every transaction of every replica
 * wait for each other.
 */
import { canonicalJson, type JsonObject } from '#core/json';
import { Fault } from '#core/fault';
import { toHex } from '#core/octets';
import { CATALOGUE, type EventCode } from './event-catalogue.js';

export interface AuditEvent {
  readonly code: EventCode;
  /** `intended`: recorded before the effect, which may still fail. */
  readonly outcome?: 'success' | 'failure' | 'intended';
  readonly reason?: string;
  readonly actor?: JsonObject;
  readonly resource?: JsonObject;
  readonly identity?: JsonObject;
  readonly cert?: JsonObject;
  readonly log?: JsonObject;
  readonly details?: JsonObject;
}

/** Where and when it was recorded. */
export interface Recorded {
  readonly uid: string;
  readonly timeMs: number;
  readonly node: string;
  readonly version: string;
}

/** What an entry bundle can hold, less what a renderer adds. */
export const MAX_EVENT_OCTETS = 60_000;

/** @throws {Fault} audit/event-too-large */
export function formatEvent({ code, ...event }: AuditEvent, recorded: Recorded): Uint8Array {
  const { number, severity, version } = CATALOGUE[code];
  const members: Record<string, JsonObject | string | undefined> = {
    actor: event.actor,
    cert: event.cert,
    details: event.details,
    identity: event.identity,
    log: event.log,
    reason: event.reason,
    resource: event.resource,
  };
  const present = Object.entries(members).filter(
    (member): member is [string, JsonObject | string] => member[1] !== undefined,
  );
  const octets = canonicalJson({
    ...Object.fromEntries(present),
    code,
    node: recorded.node,
    number,
    outcome: event.outcome ?? 'success',
    product: { version: recorded.version },
    schema: `airseal/audit-event/${code}/v${version}`,
    severity,
    time: new Date(recorded.timeMs).toISOString(),
    uid: recorded.uid,
  });
  if (octets.length > MAX_EVENT_OCTETS) {
    throw new Fault(
      'malformed',
      'audit/event-too-large',
      `an audit event of ${octets.length} octets cannot be recorded; ${MAX_EVENT_OCTETS} are the most`,
    );
  }
  return octets;
}

/** A UUID of version 7 (RFC 9562 §5.7) from an instant and ten random octets. */
export function uuid7(timeMs: number, random: Uint8Array): string {
  const octets = new Uint8Array(16);
  let rest = timeMs;
  for (let at = 5; at >= 0; at--) {
    octets[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  octets.set(random.subarray(0, 10), 6);
  octets[6] = 0x70 | ((octets[6] ?? 0) & 0x0f);
  octets[8] = 0x80 | ((octets[8] ?? 0) & 0x3f);
  const hex = toHex(octets);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
