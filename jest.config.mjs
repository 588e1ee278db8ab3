/** Unit, property and vector tests: no process, no network, no database. */
const swc = {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'es6' },
  sourceMaps: 'inline',
};

/** What every suite shares: TypeScript through SWC as ES modules, `#name` resolved to sources. */
export const base = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['airseal-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/\\.airseal', '<rootDir>/\\.cache'],
  cacheDirectory: '<rootDir>/.cache/jest',
};

export default {
  ...base,
  testMatch: ['<rootDir>/{libs,apps}/**/*.spec.ts', '<rootDir>/test/{vectors,conformance,house}/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '\\.live\\.spec\\.ts$'],
};
