/** The developer's verbs, all under the pinned Node.js. */
import { existsSync } from 'node:fs';
import { ensureBuild } from './build.mjs';
import { foreground, Halt } from './command.mjs';
import { inRepository, pinnedNode, repository } from './paths.mjs';
import { programEnvironment } from './programs.mjs';

/** @param {string} path inside node_modules @param {readonly string[]} args */
function tool(path, args) {
  return foreground(pinnedNode, [inRepository('node_modules', path), ...args], { cwd: repository });
}

/** @param {string} configuration @param {readonly string[]} args */
function jest(configuration, args) {
  process.stdout.write(`\n── ${configuration}\n`);
  return foreground(
    pinnedNode,
    ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', inRepository('node_modules/jest/bin/jest.js'), '-c', configuration, '--passWithNoTests', ...args],
    { cwd: repository, env: programEnvironment() },
  );
}

const types = () =>
  all(['tsconfig.json', 'apps/bootstrap/tsconfig.json'].map((project) => () => tool('typescript/bin/tsc', ['-p', project, '--noEmit', '--incremental', 'false'])));
const lint = (/** @type {readonly string[]} */ args) => tool('oxlint/bin/oxlint', ['--type-aware', ...args]);
const rules = () => tool('dependency-cruiser/bin/dependency-cruise.mjs', ['--config', '.dependency-cruiser.cjs', 'apps', 'libs']);

/** A program of the tests, by the folder that owns it. @param {string} path @param {readonly string[]} args */
function program(path, args) {
  if (!existsSync(inRepository(path))) throw new Halt(`${path} is not there yet`);
  return foreground(pinnedNode, [inRepository(path), ...args], { cwd: repository, env: programEnvironment() });
}

/** @param {readonly (() => number)[]} parts all are run, so that one look shows every failure */
function all(parts) {
  return parts.map((part) => part()).some((code) => code !== 0) ? 1 : 0;
}

/** @param {string} verb @param {string[]} args @returns {Promise<number>} */
export async function runTool(verb, args) {
  switch (verb) {
    case 'build':
      process.stdout.write(`${await ensureBuild()}\n`);
      return 0;
    case 'types':
      return types();
    case 'lint':
      return lint(args);
    case 'rules':
      return rules();
    case 'format':
      return tool('prettier/bin/prettier.cjs', [args.includes('--check') ? '--check' : '--write', '--log-level', 'warn', 'apps', 'libs', 'test', '*.{json,mjs,cjs}']);
    case 'check':
      return all([types, () => lint([]), rules]);
    case 'test':
      await ensureBuild();
      return all([
        () => jest('jest.config.mjs', args),
        () => jest('jest.live.config.mjs', args),
        () => jest('jest.journeys.config.mjs', args),
      ]);
    case 'openapi':
      await ensureBuild();
      return program('dist/apps/appliance/src/main.js', ['--openapi', inRepository('docs', 'openapi'), ...args]);
    case 'test:unit':
      return jest('jest.config.mjs', args);
    case 'test:live':
      await ensureBuild();
      return jest('jest.live.config.mjs', args);
    case 'test:journeys':
      await ensureBuild();
      return jest('jest.journeys.config.mjs', args);
    case 'test:interop':
      await ensureBuild();
      return program('test/interop/run.mjs', args);
    case 'test:crash':
      await ensureBuild();
      return program('test/crash/run.mjs', args);
    case 'test:soak':
      await ensureBuild();
      return program('test/soak/run.mjs', args);
    case 'test:sealed':
      await ensureBuild();
      return program('test/sealed/run.mjs', args);
    case 'test:fuzz':
      await ensureBuild();
      return program('test/fuzz/run.mjs', args);
    case 'bench':
      await ensureBuild();
      return program('test/load/run.mjs', args);
    default:
      throw new Halt(`there is no verb ${verb}`);
  }
}
