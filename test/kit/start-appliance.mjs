/**
 * Before the journeys: an installation of its own, by the steps of `npm run up`, in a temporary state directory and
 * on a free port. Described in one JSON file whose path is `AIRSEAL_JOURNEY`.
 *
 * It also believes three issuers whose private keys the journeys hold, so that they can write every token that an
 * issuer might: those keys stand in a directory apart, described in `AIRSEAL_JOURNEY_ISSUERS`.
 */
import { bringUp } from './bring-up.mjs';
import { makeIssuers } from './issuers.mjs';

export default async function start() {
  const issuers = await makeIssuers();
  process.env['AIRSEAL_JOURNEY_ISSUERS'] = issuers.description;
  process.env['AIRSEAL_JOURNEY'] = await bringUp(issuers.list);
}
