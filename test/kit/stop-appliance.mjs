/** After the last journey: ends and removes what start-appliance.mjs made. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { takeDown } from './bring-up.mjs';

export default async function stop() {
  const description = process.env['AIRSEAL_JOURNEY'];
  if (description !== undefined) await takeDown(description);
  const issuers = process.env['AIRSEAL_JOURNEY_ISSUERS'];
  if (issuers !== undefined) rmSync(dirname(issuers), { recursive: true });
}
