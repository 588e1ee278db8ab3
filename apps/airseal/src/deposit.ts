/** Hands an envelope in, so that its entry is found by what the statement is about. */
import { z } from 'zod';
import { paeOf, readDeposit } from '#core/entry';
import { logOrigin, readTrustedRoot } from './log-origin.js';
import type { Flags } from './verb.js';
import { askDoor } from './ask-door.js';
import { Digits, readAnswer } from './read-answer.js';

const ENVELOPE_TYPE = 'application/vnd.dsse.envelope.v1+json';

const Entries = z.object({
  entries: z.array(z.object({ face: z.string(), tree: z.string(), index: Digits, logIndex: Digits })),
});

export interface Deposit {
  /** Its name in the store. */
  readonly statement: string;
  /** False if it was held already. */
  readonly created: boolean;
  readonly entries: z.infer<typeof Entries>['entries'];
}

/**
 * Deposits the envelope in `octets`, or the one in a bundle; nothing else of the bundle is sent.
 *
 * @throws {Fault} entry/malformed, json/…, cli/strange-answer; what the appliance says
 */
export async function depositStatement(flags: Flags, octets: Uint8Array): Promise<Deposit> {
  const deposit = readDeposit(octets);
  const statement = paeOf(deposit);
  const url = `${logOrigin(readTrustedRoot(flags))}/airseal/v1/statements/${statement}`;
  const answer = await askDoor(flags, url, { type: ENVELOPE_TYPE, octets: deposit.envelope });
  const { entries } = readAnswer(Entries, url, answer.octets);
  return { statement, created: answer.status === 201, entries };
}
