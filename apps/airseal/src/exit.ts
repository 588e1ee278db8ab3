/**
 * How a verb ends when the answer is no.
 *
 * Faults carry their kind's exit code; verification keeps cosign's own numbers (10 no signature, 12 no
 * match, 13 no certificate), because pipelines already test for them. Everything else is a defect: exit 1,
 * with the stack, since only its author can help.
 */
import { EXIT_CODE, isFault, type Fault } from '#core/fault';

const COSIGN_CODES: Readonly<Record<string, number>> = {
  'bundle/no-signature': 10,
  'bundle/other-signer': 12,
  'bundle/no-certificate': 13,
};

export function exitCodeOf(fault: Fault): number {
  return COSIGN_CODES[fault.code] ?? EXIT_CODE[fault.kind];
}

/** Prints why, sets the exit code; JSON callers get the same facts as one line on standard error. */
export function failWith(error: unknown): void {
  const json = process.argv.some(
    (word, at) =>
      word === '--output=json' || (word === 'json' && /^(-o|--output)$/.test(process.argv[at - 1] ?? '')),
  );
  if (!isFault(error)) {
    process.stderr.write(
      `airseal: defect: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 1;
    return;
  }
  process.stderr.write(
    json
      ? `${JSON.stringify({ error: error.code, kind: error.kind, message: error.message })}\n`
      : `airseal: ${error.message} [${error.code}]\n`,
  );
  process.exitCode = exitCodeOf(error);
}
