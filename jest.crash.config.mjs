/** Faults: engines that a spec may break, disks that fail, answers that are lost, tokens that misbehave (test/crash/faults). */
import { base } from './jest.config.mjs';

export default {
  ...base,
  testMatch: ['<rootDir>/test/crash/faults/**/*.spec.ts'],
  globalSetup: '<rootDir>/test/kit/start.mjs',
  globalTeardown: '<rootDir>/test/kit/stop.mjs',
  testTimeout: 60_000,
  maxWorkers: 2,
};
