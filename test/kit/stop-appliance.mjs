/** After the last journey: ends and removes what start-appliance.mjs made. */
import { takeDown } from './bring-up.mjs';

export default async function stop() {
  const description = process.env['AIRSEAL_JOURNEY'];
  if (description !== undefined) await takeDown(description);
}
