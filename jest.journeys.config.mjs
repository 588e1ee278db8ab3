/** Journeys: stories through a built appliance that the bootstrap brought up in a directory of its own. */
import { base } from './jest.config.mjs';

export default {
  ...base,
  testMatch: ['<rootDir>/test/journeys/**/*.spec.ts'],
  globalSetup: '<rootDir>/test/kit/start-appliance.mjs',
  globalTeardown: '<rootDir>/test/kit/stop-appliance.mjs',
  testSequencer: '<rootDir>/test/kit/journeys-in-order.mjs',
  testTimeout: 60_000,
  // One appliance serves all of them; those that count its rows need it to themselves.
  maxWorkers: 1,
};
