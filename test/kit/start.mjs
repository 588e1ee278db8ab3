/** Before any live test: private engines, described in one JSON file whose path is `AIRSEAL_KIT`. */
import { startKit } from './engines.mjs';

export default async function start() {
  process.env['AIRSEAL_KIT'] = await startKit();
}
