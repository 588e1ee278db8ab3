/** Journeys: stories through a built appliance that the bootstrap brought up in a directory of its own. */
import { base } from './jest.config.mjs';

export default {
  ...base,
  testMatch: ['<rootDir>/test/journeys/**/*.spec.ts'],
  globalSetup: '<rootDir>/test/kit/start-appliance.mjs',
  globalTeardown: '<rootDir>/test/kit/stop-appliance.mjs',
  testTimeout: 60_000,
  // One appliance serves all of them, on a machine that may have two cores.
  maxWorkers: 2,
};
