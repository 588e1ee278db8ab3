/**
 * After the last live test: ends what start.mjs started, and nothing else.
 *
 * A test that failed may have left a connection or a timer behind, which would keep this process for ever: its verdict
 * is known by now, so it leaves.
 */
import { stopKit } from './engines.mjs';

const LEAVE_AFTER_MS = 10_000;

export default async function stop() {
  const description = process.env['AIRSEAL_KIT'];
  if (description !== undefined) await stopKit(description);
  // jest sets the exit code as the process leaves.
  setTimeout(() => process.exit(), LEAVE_AFTER_MS).unref();
}
