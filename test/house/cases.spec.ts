/** The faults that the log is built against have numbers (docs/testing.md); each has a test that says its number. */
import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readRepositoryFile, repository, repositoryFiles } from './files.js';

const CASES = Array.from({ length: 57 - 34 + 1 }, (_, at) => 34 + at);

/** Titles of tests, and rows of tables whose names are titles, by the file they stand in. */
function named(): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>(CASES.map((number) => [number, new Set()]));
  const tests = repositoryFiles().filter(
    (path) =>
      /^(apps|libs|test)\/.*\.spec\.ts$|^test\/crash\/.*\.mjs$/.test(path) &&
      existsSync(join(repository, path)),
  );
  for (const path of tests) {
    for (const [, number] of readRepositoryFile(path).matchAll(/['"`]case (\d+):/g))
      found.get(Number(number))?.add(path);
    for (const [, list] of readRepositoryFile(path).matchAll(/['"`]cases? (\d+(?:(?:, | and )\d+)+):/g))
      for (const number of (list ?? '').match(/\d+/g) ?? []) found.get(Number(number))?.add(path);
  }
  return found;
}

describe('every case', () => {
  const found = named();
  // The kills at every step of a batch are a program of their own.
  const rounds = 'test/crash/run.mjs';

  test.each(CASES.filter((number) => number !== 43))(
    '%d has a test that is called by its number',
    (number) => {
      expect([...(found.get(number) ?? [])]).not.toEqual([]);
    },
  );

  test('43 is what the crash rounds do', () => {
    expect(existsSync(join(repository, rounds))).toBe(true);
  });

  test('stands in docs/testing.md beside files that test it', () => {
    const page = readRepositoryFile('docs/testing.md');
    const rows = new Map(
      [...page.matchAll(/^\| (\d+) \|(.*)$/gm)].map(([, number, row]) => [Number(number), row ?? '']),
    );
    expect(CASES.filter((number) => !rows.has(number))).toEqual([]);
    const wrong = CASES.filter((number) => number !== 43).flatMap((number) => {
      const told = [...(rows.get(number) ?? '').matchAll(/`([^`]+\.spec\.ts)`/g)].map(
        ([, path]) => path ?? '',
      );
      const untrue = told.filter((path) => found.get(number)?.has(path) !== true);
      return told.length === 0 ? [`${number}: no file`] : untrue.map((path) => `${number}: not in ${path}`);
    });
    expect(wrong).toEqual([]);
  });
});
