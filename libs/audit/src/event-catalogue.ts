/**
 * What the audit trail can say: each event's stable code, its number, how grave it is and the version of its shape.
 *
 * Codes and numbers are never reused or renamed, since rules in other people's systems hang on them; a shape only
 * gains members, and then its version rises. An event that is missing here cannot be recorded.
 */
export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';

interface Entry {
  readonly number: number;
  readonly severity: Severity;
  readonly version: number;
}

export const CATALOGUE = {
  'api_token.created': { number: 110, severity: 'medium', version: 1 },
  'api_token.revoked': { number: 111, severity: 'medium', version: 1 },
  /** Recorded with the intent, before the key is used: outcome `intended`. */
  'ca.cert.issued': { number: 201, severity: 'info', version: 1 },
  'ca.cert.denied': { number: 202, severity: 'low', version: 1 },
  'ca.cert.sct_failed': { number: 203, severity: 'high', version: 1 },
  'ca.cert.lint_failed': { number: 204, severity: 'high', version: 1 },
  /** A boundary checkpoint; outcome `failure` names the hours that have none. */
  'log.checkpoint.published': { number: 303, severity: 'info', version: 1 },
  /** A tree that contradicts itself went into quarantine. */
  'log.consistency.failed': { number: 306, severity: 'critical', version: 1 },
  'log.fork.detected': { number: 307, severity: 'critical', version: 1 },
  /** A statement was handed in and is kept beside its entry. */
  'log.statement.deposited': { number: 320, severity: 'info', version: 1 },
  /** Somebody handed in an envelope under a logged digest that is not the logged one. */
  'log.statement.refused': { number: 321, severity: 'low', version: 1 },
  /** Rows of a search index were written or removed, because they do not follow from the tree. */
  'log.index.mended': { number: 322, severity: 'high', version: 1 },
  /** From here on no time is signed: no timestamps, no certificates, no boundaries. */
  'clock.untrusted': { number: 404, severity: 'high', version: 1 },
  'clock.trusted': { number: 404, severity: 'info', version: 1 },
  /** Genesis was adopted, or a later ceremony changed the trust material. */
  'trusted_root.changed': { number: 603, severity: 'high', version: 1 },
  /** The counts of key uses cannot answer for a stretch: their file was lost, taken back, or begun late. */
  'hsm.audit_log.gap': { number: 708, severity: 'high', version: 1 },
  /** More signatures were counted than the books hold, or fewer. */
  'hsm.sign_count.mismatch': { number: 709, severity: 'critical', version: 1 },
  /** "May I sign?" was answered with no. */
  'hsm.sign.refused': { number: 712, severity: 'high', version: 1 },
  /** How often each key was used for each purpose, at a boundary. */
  'hsm.uses.counted': { number: 713, severity: 'info', version: 1 },
  'user.created': { number: 801, severity: 'medium', version: 1 },
  'user.enabled': { number: 801, severity: 'medium', version: 1 },
  'user.disabled': { number: 801, severity: 'medium', version: 1 },
  'user.deleted': { number: 801, severity: 'medium', version: 1 },
  /** The old password, its link and a lock-out are void; the person will choose another. */
  'user.password.reset': { number: 801, severity: 'medium', version: 1 },
  /** By the person, with the link. */
  'user.password.set': { number: 801, severity: 'medium', version: 1 },
  'config.changed': { number: 806, severity: 'medium', version: 1 },
  /** Another build, or a migration of the schema. */
  'appliance.updated': { number: 811, severity: 'medium', version: 1 },
  /** The head of this trail at a boundary, and where the log holds it. */
  'audit.checkpoint': { number: 1001, severity: 'info', version: 1 },
  'service.started': { number: 1101, severity: 'info', version: 1 },
  'service.stopped': { number: 1101, severity: 'medium', version: 1 },
  'service.crashed': { number: 1101, severity: 'high', version: 1 },
  'clock.source.lost': { number: 1105, severity: 'medium', version: 1 },
  'clock.source.recovered': { number: 1105, severity: 'info', version: 1 },
  /** Sources that contradict those that agree, or each other. */
  'clock.disagreement': { number: 1105, severity: 'high', version: 1 },
  'clock.holdover.started': { number: 1105, severity: 'medium', version: 1 },
  'clock.holdover.ended': { number: 1105, severity: 'info', version: 1 },
  /** The clock of the machine was set while an appliance ran. */
  'clock.jumped': { number: 1105, severity: 'high', version: 1 },
  /** The clock reads less than what was already signed. */
  'clock.floor': { number: 1105, severity: 'high', version: 1 },
  /** The state of the clock and of each source: at the start, and at every full hour. */
  'clock.observed': { number: 1108, severity: 'info', version: 1 },
  /** A person declared the time (outcome `intended`), or another one confirmed it. */
  'clock.declared': { number: 1109, severity: 'high', version: 1 },
} as const satisfies Readonly<Record<string, Entry>>;

export type EventCode = keyof typeof CATALOGUE;
