/** Live tests: against a real PostgreSQL, Redis and SoftHSM of their own (test/kit). */
import { base } from './jest.config.mjs';

export default {
  ...base,
  testMatch: ['<rootDir>/{libs,apps,test/kit}/**/*.live.spec.ts'],
  globalSetup: '<rootDir>/test/kit/start.mjs',
  globalTeardown: '<rootDir>/test/kit/stop.mjs',
  testTimeout: 60_000,
};
