/** After the last live test: ends what start.mjs started, and nothing else. */
import { stopKit } from './engines.mjs';

export default async function stop() {
  const description = process.env['AIRSEAL_KIT'];
  if (description !== undefined) await stopKit(description);
}
