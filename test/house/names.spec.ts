import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repository, repositoryFiles } from './files.js';

const present = repositoryFiles().filter((path) => existsSync(join(repository, path)));
const ours = present.filter((path) => /^(apps|libs|test)\//.test(path));

describe('names', () => {
  test('say what a thing does: no folder or file is a drawer for everything', () => {
    const drawer = /(^|[/.-])(utils?|helpers?|common|shared|misc)([/.-]|$)/;
    expect(ours.filter((path) => drawer.test(path))).toEqual([]);
  });

  test('carry no suffix that only names a kind', () => {
    expect(ours.filter((path) => /\.(service|helper|util|manager|handler|types|interface|dto|constants)\.ts$/.test(path))).toEqual([]);
  });

  test('are in kebab-case', () => {
    const sources = ours.filter((path) => /\.(ts|mjs|cjs)$/.test(path));
    // Protocol Buffers name the files they generate.
    const wrong = sources.filter((path) => !/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(path.split('/').at(-1) ?? '') && !path.endsWith('_pb.ts'));
    expect(wrong).toEqual([]);
  });

  test('of a library lead to its front door', () => {
    const libraries = new Set(
      ours.flatMap((path) => /^libs\/(core\/[^/]+|(?!core\/)[^/]+)\/src\//.exec(path)?.[1] ?? []),
    );
    expect([...libraries].filter((name) => !existsSync(join(repository, 'libs', name, 'src/index.ts')))).toEqual([]);
  });
});
