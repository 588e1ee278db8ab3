/**
 * Compares what the agents counted with what the books hold: was anything signed that no book knows?
 *
 *   1. count    what every agent has counted so far
 *   2. book     what the books hold; a signature that was counted a moment ago may not be booked yet, so the books
 *               are read again until they have caught up, for a few seconds
 *   3. count    again: what was booked meanwhile was counted meanwhile
 *   4. judge    each book, against the range of the counts of its keys
 *
 * The number of signatures lies between `atLeast` of the first count and `atMost` of the second: a crash of an agent, a
 * token that failed and a lost answer make the range wider, never wrong. Those that are adrift were made, and may stand in
 * no book. A book outside of that is a finding.
 *
 * What is signed by going to the token past its agent is counted by nobody here. Only the token's own audit log shows
 * that, where it has one.
 */
import type { HeardBreak, HeardUses } from '#audit';
import type { Purpose } from '#hsm';

/**
 * How a book relates to signatures.
 *
 * - `each`     one row for each signature, written when it is made
 * - `intents`  a row is written before the signature, which may not come to be: never more signatures than rows
 * - `repeats`  what stands in the book may be signed again, or outgrown before it stands there: never fewer signatures
 *              than rows
 * - `none`     nobody books it here: counted only
 */
export type Relation = 'each' | 'intents' | 'repeats' | 'none';

export interface Book {
  readonly name: string;
  readonly purpose: Purpose;
  readonly relation: Relation;
  /** SHA-256 of the keys that sign what stands in it, hexadecimal. */
  readonly keys: readonly string[];
  readonly rows: bigint;
}

export type Verdict = 'agrees' | 'explained' | 'finding' | 'not booked';

export interface Reconciled {
  readonly purpose: Purpose;
  readonly keys: readonly string[];
  readonly labels: readonly string[];
  readonly book: string;
  readonly relation: Relation;
  /** What lies between the two numbers is unknown. */
  readonly atLeast: bigint;
  readonly atMost: bigint;
  readonly booked: bigint | undefined;
  /** Signatures without a row (positive) or rows without a signature (negative) that remain at best. */
  readonly residual: bigint;
  readonly verdict: Verdict;
  /** In words, for whoever has to explain it. */
  readonly because: string;
}

export interface Reconciliation {
  readonly at: Date;
  readonly rows: readonly Reconciled[];
  readonly breaks: readonly HeardBreak[];
  readonly findings: number;
}

interface Range {
  readonly atLeast: bigint;
  readonly atMost: bigint;
  readonly uncertain: bigint;
  readonly failed: bigint;
  /** Made, and perhaps in no book. */
  readonly adrift: bigint;
  readonly labels: readonly string[];
}

/** The counts of `keys` for `purpose`, of all counters together. */
function rangeOf(heard: readonly HeardUses[], purpose: Purpose, keys: readonly string[]): Range {
  const uses = heard.filter((one) => one.purpose === purpose && keys.includes(one.key));
  const sum = (figure: (one: HeardUses) => bigint): bigint =>
    uses.reduce((all, one) => all + figure(one), 0n);
  const [counted, uncertain, failed, adrift] = [
    sum((one) => one.counted),
    sum((one) => one.uncertain),
    sum((one) => one.failed),
    sum((one) => one.adrift),
  ];
  // What failed gave us no signature, and may have made one.
  const least = counted - uncertain - failed;
  return {
    atLeast: least < 0n ? 0n : least,
    atMost: counted,
    uncertain,
    failed,
    adrift,
    labels: [...new Set(uses.map(({ label }) => label))].toSorted(),
  };
}

/** How many rows are missing (positive) or too many (negative). */
function residualOf(
  { relation, rows }: Book,
  { atLeast, atMost, adrift }: Pick<Range, 'atLeast' | 'atMost' | 'adrift'>,
): bigint {
  if (relation !== 'repeats' && relation !== 'none' && atLeast - adrift > rows)
    return atLeast - adrift - rows;
  if (relation !== 'intents' && relation !== 'none' && atMost < rows) return atMost - rows;
  return 0n;
}

/** Whether some signature that was counted is not in its book yet. */
function isBehind(books: readonly Book[], heard: readonly HeardUses[]): boolean {
  return books.some((book) => residualOf(book, rangeOf(heard, book.purpose, book.keys)) > 0n);
}

/** @param late whether counting began after keys were in use: then books may hold more */
function judge(book: Book, before: Range, after: Range, late: boolean): Reconciled {
  const { purpose, relation, keys, rows, name } = book;
  const range = { atLeast: before.atLeast, atMost: after.atMost };
  const residual = residualOf(book, { ...range, adrift: after.adrift });
  const of = { purpose, relation, keys, labels: after.labels, book: name, ...range, residual };
  if (relation === 'none')
    return { ...of, booked: undefined, verdict: 'not booked', because: 'counted only; no book is kept here' };
  const found = { ...of, booked: rows };
  if (residual > 0n) {
    return {
      ...found,
      verdict: 'finding',
      because: `${residual} signatures were made that the book does not hold: made for nobody here, or lost on their way when a database or an appliance failed`,
    };
  }
  if (residual < 0n && late) {
    return {
      ...found,
      verdict: 'explained',
      because: `${-residual} rows are older than the counts, which began late or were lost`,
    };
  }
  if (residual < 0n) {
    return {
      ...found,
      verdict: 'finding',
      because: `the book holds ${-residual} more than were ever counted: signed past the agent, or the counts were taken back`,
    };
  }
  if (rows === after.atMost)
    return { ...found, verdict: 'agrees', because: 'the book holds exactly what was counted' };
  return { ...found, verdict: 'explained', because: explain(relation, rows, before, after) };
}

function explain(relation: Relation, rows: bigint, before: Range, after: Range): string {
  const { atMost, uncertain, failed, adrift } = after;
  const reasons: string[] = [];
  if (relation === 'intents' && rows > before.atLeast)
    reasons.push(`up to ${rows - before.atLeast} intents were not carried out`);
  if (relation === 'repeats' && atMost > rows)
    reasons.push(`${atMost - rows} were signed again, or are uncertain`);
  if (uncertain > 0n) reasons.push(`${uncertain} uncertain, from blocks that were open when an agent died`);
  if (failed > 0n) reasons.push(`${failed} asked of the token without a signature`);
  if (adrift > 0n && rows < atMost)
    reasons.push(`up to ${adrift} adrift: made for a process that died, or that could not book them`);
  return reasons.length === 0 ? 'made while this was compared' : reasons.join('; ');
}

export interface ReconcilePorts {
  /** Asks the agents of this host, then says what is known of all. */
  readonly count: () => Promise<readonly HeardUses[]>;
  readonly books: () => Promise<readonly Book[]>;
  readonly breaks: () => Promise<readonly HeardBreak[]>;
  readonly now: () => Date;
  readonly pause: (ms: number) => Promise<void>;
}

const PATIENCE = 5;
const PAUSE_MS = 1000;

/** @throws {Fault} hsm/… if the agent cannot be asked */
export async function reconcileUses(ports: ReconcilePorts): Promise<Reconciliation> {
  const before = await ports.count();
  let books = await ports.books();
  for (let look = 1; look < PATIENCE && isBehind(books, before); look++) {
    await ports.pause(PAUSE_MS);
    books = await ports.books();
  }
  const after = await ports.count();
  const breaks = await ports.breaks();
  const late = breaks.some(({ reason }) => /^(?:late|lost):/.test(reason));
  const rows = books.map((book) =>
    judge(book, rangeOf(before, book.purpose, book.keys), rangeOf(after, book.purpose, book.keys), late),
  );
  const unexpected = strays(after, books);
  const all = [...rows, ...unexpected];
  const bad = breaks.filter(({ reason }) => !reason.startsWith('late:'));
  return {
    at: ports.now(),
    rows: all,
    breaks,
    findings: all.filter(({ verdict }) => verdict === 'finding').length + bad.length,
  };
}

/** A purpose that no book compares: of a ceremony, a token of the built-in issuer, or a key that should not be here. */
const UNBOOKED: ReadonlyMap<Purpose, string> = new Map<Purpose, string>([
  ['ceremony-certificate', 'transcripts of ceremonies'],
  ['certificate-request', 'transcripts of ceremonies'],
  ['empty-head', 'transcripts of ceremonies'],
  ['transcript', 'transcripts of ceremonies'],
  ['tuf-root', 'transcripts of ceremonies'],
  ['tuf-targets', 'transcripts of ceremonies'],
  ['trial', 'none: proofs of keys'],
  ['identity-token', 'none: tokens live for minutes'],
]);

/** Uses that belong to none of the books. */
function strays(heard: readonly HeardUses[], books: readonly Book[]): readonly Reconciled[] {
  const compared = new Set(books.flatMap(({ purpose, keys }) => keys.map((key) => `${key} ${purpose}`)));
  const pairs = new Map(heard.map((one) => [`${one.key} ${one.purpose}`, one]));
  return [...pairs]
    .filter(([pair]) => !compared.has(pair))
    .map(([, { key, purpose }]) => {
      const range = rangeOf(heard, purpose, [key]);
      const book = UNBOOKED.get(purpose);
      const of = { purpose, keys: [key], labels: range.labels, relation: 'none' as const, booked: undefined };
      const { atLeast, atMost } = range;
      if (book !== undefined) {
        const because = 'counted only; not compared here';
        return { ...of, book, atLeast, atMost, residual: 0n, verdict: 'not booked', because } as const;
      }
      const because =
        'a key that is not in the trust material was used for what only keys of this installation sign';
      return { ...of, book: 'none', atLeast, atMost, residual: atMost, verdict: 'finding', because } as const;
    })
    .toSorted((a, b) => a.purpose.localeCompare(b.purpose));
}
