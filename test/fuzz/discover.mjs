/**
 * Finds what reads: every function that takes octets, text or an unknown value from somewhere else. The compiler's
 * own view of the sources decides, not a list, so that a new reader is seen on the day it is exported.
 *
 *   front doors of libraries   functions, constructors and static methods; also methods that read
 *   inside libraries           what is called parse…, read… or decode…, since a door leads to it sooner or later
 *   doors and the server       as front doors: their input comes from the wire
 *   the command line           as front doors: its input comes from files and answers
 *   schemas                    exported zod schemas of all of these
 *
 * Left out by rule: writers, by the verb that the house gives them (format…, draft…, write…, open…, insert…); what
 * makes a Fault; what takes an error; and constructors that take text, which is a name or a path.
 */
import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(import.meta.dirname, '../..');

const WRITER = /^(format|write|print|draft|assemble|open|insert)([A-Z]|$)/;
const READER = /^(parse|read|decode)/;
const OPEN = [
  'libs/*/src/index.ts',
  'libs/core/*/src/index.ts',
  'apps/appliance/src/doors/**/*.ts',
  'apps/appliance/src/server/**/*.ts',
  'apps/airseal/src/**/*.ts',
];

/** @typedef {{id: string, file: string, name: string, way: 'function' | 'constructor' | 'static' | 'method' | 'schema'}} Found */

function filesOf(patterns) {
  return patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((path) => !/\.(spec|contract)\.ts$|_pb\.ts$|\.d\.ts$/.test(path))
    .sort();
}

/** @param {string} file @param {string} name */
function idOf(file, name) {
  const place = file
    .replace(/^libs\//, '')
    .replace(/^apps\/appliance\/src\//, '')
    .replace(/^apps\/airseal\/src\//, 'airseal/')
    .replace(/\/src\/(index\.ts$)?/, '/')
    .replace(/\/?(index)?(\.ts)?$/, '');
  return `${place}:${name}`;
}

/** @returns {Found[]} */
export function discover() {
  const inside = filesOf(['libs/**/src/**/*.ts']).filter(
    (file) => !/^libs\/(core\/)?[^/]+\/src\/index\.ts$/.test(file),
  );
  const open = filesOf(OPEN);
  const configuration = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.json'),
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  );
  if (configuration === undefined) throw new Error('tsconfig.json cannot be read');
  const program = ts.createProgram(
    [...open, ...inside].map((file) => join(root, file)),
    configuration.options,
  );
  const checker = program.getTypeChecker();

  /** @type {Map<string, Found>} a front door and the file behind it export one thing: the door's name counts */
  const found = new Map();
  const look = (file, isOpen) => {
    const source = program.getSourceFile(join(root, file));
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
    for (const exported of module === undefined ? [] : checker.getExportsOfModule(module)) {
      if (
        exported.declarations?.some(
          (one) => ts.isExportSpecifier(one) && (one.isTypeOnly || one.parent.parent.isTypeOnly),
        )
      )
        continue;
      const symbol =
        (exported.flags & ts.SymbolFlags.Alias) === 0 ? exported : checker.getAliasedSymbol(exported);
      const declaration = symbol.valueDeclaration;
      const home = declaration?.getSourceFile().fileName ?? '';
      if (declaration === undefined || home.includes('/node_modules/')) continue;
      for (const { name, way } of waysOf(checker, symbol, declaration, isOpen)) {
        if (!isOpen && !READER.test(name.split(/[.#]/).at(-1) ?? name)) continue;
        const key = `${home} ${name} ${way}`;
        if (!found.has(key))
          found.set(key, {
            id: idOf(file, name.replace(symbol.name, exported.name)),
            file,
            name: name.replace(symbol.name, exported.name),
            way,
          });
      }
    }
  };
  for (const file of open) look(file, true);
  for (const file of inside) look(file, false);
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function waysOf(checker, symbol, declaration, isOpen) {
  const type = checker.getTypeOfSymbolAtLocation(symbol, declaration);
  const reads = (signature) =>
    (READER.test(symbol.name) || signature.getReturnType().symbol?.name !== 'Fault') &&
    signature.parameters.some((parameter, at) => takes(checker, parameter, declaration, at));
  const ways = [];
  if (type.getProperty('safeParse') !== undefined && type.getProperty('_zod') !== undefined) {
    return isOpen ? [{ name: symbol.name, way: 'schema' }] : [];
  }
  if (type.getCallSignatures().some(reads) && !WRITER.test(symbol.name))
    ways.push({ name: symbol.name, way: 'function' });
  if ((symbol.flags & ts.SymbolFlags.Class) === 0) return ways;
  if (
    isOpen &&
    type
      .getConstructSignatures()
      .some((signature) =>
        signature.parameters.some((parameter) => takes(checker, parameter, declaration, 1)),
      )
  ) {
    ways.push({ name: symbol.name, way: 'constructor' });
  }
  const methods = (owner, join, way, only) => {
    for (const property of owner.getProperties()) {
      if (
        WRITER.test(property.name) ||
        property.name.startsWith('__') ||
        (only && !READER.test(property.name))
      )
        continue;
      const at = property.valueDeclaration;
      if (at === undefined || !ts.isMethodDeclaration(at)) continue;
      if (checker.getTypeOfSymbolAtLocation(property, at).getCallSignatures().some(reads))
        ways.push({ name: `${symbol.name}${join}${property.name}`, way });
    }
  };
  methods(type, '.', 'static', false);
  methods(checker.getDeclaredTypeOfSymbol(symbol), '#', 'method', true);
  return ways;
}

/** Text counts as a first parameter only: later ones are names and labels. Gathered writers (`...parts`) do not count. */
function takes(checker, parameter, declaration, at) {
  const from = parameter.valueDeclaration;
  if (from !== undefined && ts.isParameter(from) && from.dotDotDotToken !== undefined) return false;
  const type = checker.getTypeOfSymbolAtLocation(parameter, declaration);
  const text = checker.typeToString(
    type,
    undefined,
    ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseFullyQualifiedType,
  );
  if ((type.flags & (ts.TypeFlags.Unknown | ts.TypeFlags.Any)) !== 0)
    return at === 0 && !/^(error|cause)$/.test(parameter.name);
  if (/(^|\| )(readonly )?((\w|import\([^)]*\)|\.)*)(Uint8Array|Buffer)(<[^>]*>)?(\[\])?( \||$)/.test(text))
    return true;
  if (
    /\bJson(Value|Object)\b|^Readonly<Record<string, unknown>>$|\bQuery$/.test(text) &&
    !text.includes('=>')
  )
    return true;
  return at === 0 && (type.flags & ts.TypeFlags.String) !== 0;
}
