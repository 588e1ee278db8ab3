/**
 * Before the journeys: an installation of its own, by the steps of `npm run up`, in a temporary state directory and
 * on a free port. Described in one JSON file whose path is `AIRSEAL_JOURNEY`.
 */
import { bringUp } from './bring-up.mjs';

export default async function start() {
  process.env['AIRSEAL_JOURNEY'] = await bringUp();
}
