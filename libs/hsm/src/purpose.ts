/**
 * What a key is used for. A signer is opened for one purpose, the agent signs for it only what reads as such, and
 * counts each use of a key by it.
 *
 * The numbers travel between a process and the agent; the names stand in counts files, metrics and audit events.
 * Neither is ever used again for something else.
 */
export const PURPOSE_NUMBERS = {
  /** A certificate with the poison extension, for the certificate log alone (RFC 6962 §3.1). */
  precertificate: 1,
  /** A leaf certificate that carries its promises. */
  certificate: 2,
  /** A certificate that a ceremony makes: a root, an intermediate, a timestamp authority. */
  'ceremony-certificate': 3,
  /** A request to an authority outside (RFC 2986). */
  'certificate-request': 4,
  /** A promise of a certificate log (RFC 6962 §3.2). */
  sct: 5,
  /** The head of a certificate log (RFC 6962 §3.5). */
  'tree-head': 6,
  /** The head of any other tree (C2SP tlog-checkpoint). */
  checkpoint: 7,
  /** The head of the empty tree, on which a ceremony tries the key of a log. */
  'empty-head': 8,
  /** A promise of the v1 log: SignedEntryTimestamp. */
  'entry-timestamp': 9,
  /** The signed attributes of a timestamp token (RFC 3161). */
  'timestamp-token': 10,
  /** A token of the built-in issuer (RFC 7515 signing input). */
  'identity-token': 11,
  'tuf-root': 12,
  'tuf-targets': 13,
  'tuf-snapshot': 14,
  'tuf-timestamp': 15,
  /** The statement that anchors the audit trail in the log. */
  'audit-anchor': 16,
  /** The statement with which a shard begins. */
  'genesis-statement': 17,
  /** The head of the transcript of a ceremony. */
  transcript: 18,
  /** A signature that proves a key and is relied on by nobody: ceremonies, doctor, bench. */
  trial: 19,
} as const;

export type Purpose = keyof typeof PURPOSE_NUMBERS;

/** Purposes of signers that sign no heads of logs. */
export type PlainPurpose = Exclude<Purpose, 'tree-head' | 'checkpoint'>;

export const PURPOSES = Object.keys(PURPOSE_NUMBERS) as readonly Purpose[];

const BY_NUMBER: ReadonlyMap<number, Purpose> = new Map(
  PURPOSES.map((purpose) => [PURPOSE_NUMBERS[purpose], purpose]),
);

/** `undefined` for a number that means nothing here. */
export function purposeNumbered(number: number): Purpose | undefined {
  return BY_NUMBER.get(number);
}

export function isPurpose(text: string): text is Purpose {
  return Object.hasOwn(PURPOSE_NUMBERS, text);
}

const TRIAL = 'airseal trial signature: ';

/** What is signed to prove a key: it says so itself, and no verifier takes it for anything. */
export function trialMessage(text: string): Uint8Array {
  return Buffer.from(`${TRIAL}${text}`, 'utf8');
}

export function isTrialMessage(message: Uint8Array): boolean {
  return (
    message.length >= TRIAL.length &&
    Buffer.from(message.subarray(0, TRIAL.length)).toString('latin1') === TRIAL
  );
}
