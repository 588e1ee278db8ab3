/**
 * Who may import whom (docs: "The house" in README).
 *
 *   libs/core  ←  libs/<capability>  ←  apps
 *
 * Core knows nobody. A capability stands on a floor and uses only floors below its own (and rooms beside it, as
 * long as no circle arises), through front doors. Apps hold doors and wiring.
 */

/** From the ground up. What is not built yet has its floor all the same. */
const floors = [
  ['platform'],
  ['instance', 'approvals'],
  ['hsm'],
  ['tree'],
  ['log', 'ct', 'audit', 'timestamp', 'clock'],
  ['identity', 'policy', 'access', 'search'],
  ['ca', 'trust-root', 'mirror'],
  ['ceremony', 'monitor', 'evidence'],
];

/** @param {readonly string[]} names */
const libs = (names) => `^libs/(${names.join('|')})/`;

const upwards = floors.slice(0, -1).map((floor, level) => ({
  name: `no-floor-above-${floor[0]}`,
  comment: 'A room uses only what is below it.',
  severity: 'error',
  from: { path: libs(floor), pathNot: '\\.spec\\.ts$' },
  to: { path: libs(floors.slice(level + 1).flat()) },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only', 'dynamic-import'] } },
    },
    {
      name: 'core-knows-nobody',
      comment: 'Bytes in, values out: no capability, no app, no package, no disk, no network.',
      severity: 'error',
      from: { path: '^libs/core/', pathNot: ['\\.spec\\.ts$', '\\.contract\\.ts$', '^libs/core/crypto/'] },
      to: {
        pathNot: ['^libs/core/', '^node_modules/(@peculiar/|asn1js|pvtsutils|@noble/|tslib|zod|@bufbuild/protobuf|@sigstore/protobuf-specs|reflect-metadata|@tufjs/)', '^buffer$'],
      },
    },
    {
      name: 'core-through-its-doors',
      comment: 'Another core library is imported as #core/<name>, which is its src/index.ts.',
      severity: 'error',
      from: { path: '^libs/core/([^/]+)/' },
      to: { path: '^libs/core/([^/]+)/', pathNot: ['^libs/core/$1/', '^libs/core/[^/]+/src/index\\.ts$'] },
    },
    {
      name: 'capabilities-through-their-doors',
      comment: 'Another library is imported as #<name>, which is its src/index.ts.',
      severity: 'error',
      from: { path: '^libs/(?!core/)([^/]+)/' },
      to: { path: '^libs/', pathNot: ['^libs/$1/', '^libs/(core/)?[^/]+/src/index\\.ts$'] },
    },
    {
      name: 'apps-through-front-doors',
      severity: 'error',
      from: { path: '^apps/(appliance|airseal)/' },
      to: { path: '^libs/', pathNot: '^libs/(core/)?[^/]+/src/index\\.ts$' },
    },
    {
      name: 'apps-are-last',
      comment: 'Nothing imports an app, and apps do not import each other.',
      severity: 'error',
      from: { path: '^(libs|apps)/([^/]+)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^apps/', pathNot: '^apps/$2/' },
    },
    {
      name: 'nest-only-in-modules-and-apps',
      comment: 'Behaviour lives in plain classes; wiring is the only thing a module does.',
      severity: 'error',
      from: { path: '^libs/', pathNot: ['\\.module\\.ts$', '\\.spec\\.ts$'] },
      to: { path: '^node_modules/@nestjs/(?!typeorm)' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    ...upwards,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['(^|/)dist/', '/build/', '\\.node$'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['airseal-source', 'import', 'node', 'types', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.node'],
    },
  },
};
