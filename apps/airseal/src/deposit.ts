/** Hands an envelope in, so that its entry is found by what the statement is about. */
import { paeOf, readDeposit } from '#core/entry';
import { logOrigin, readTrustedRoot } from './log-origin.js';
import type { Flags } from './verb.js';
import { askDoor } from './ask-door.js';

const ENVELOPE_TYPE = 'application/vnd.dsse.envelope.v1+json';

export interface Deposit {
  /** Its name in the store. */
  readonly statement: string;
  /** False if it was held already. */
  readonly created: boolean;
  readonly entries: readonly {
    readonly face: string;
    readonly tree: string;
    readonly index: string;
    readonly logIndex: string;
  }[];
}

/**
 * Deposits the envelope in `octets`, or the one in a bundle; nothing else of the bundle is sent.
 *
 * @throws {Fault} entry/malformed, json/…; what the appliance says
 */
export async function depositStatement(flags: Flags, octets: Uint8Array): Promise<Deposit> {
  const deposit = readDeposit(octets);
  const statement = paeOf(deposit);
  const answer = await askDoor(
    flags,
    `${logOrigin(readTrustedRoot(flags))}/airseal/v1/statements/${statement}`,
    { type: ENVELOPE_TYPE, octets: deposit.envelope },
  );
  const { entries } = JSON.parse(Buffer.from(answer.octets).toString('utf8')) as Pick<Deposit, 'entries'>;
  return { statement, created: answer.status === 201, entries };
}
