import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readRepositoryFile, repository, repositoryFiles } from './files.js';

const present = repositoryFiles().filter((path) => existsSync(join(repository, path)));

describe('papers', () => {
  test.each(['LICENSE', 'NOTICES', 'CONTRIBUTING.md', 'SECURITY.md', 'README.md'])('%s is there', (path) => {
    expect(present).toContain(path);
  });

  test.each(['mirror', 'ansible', 'apps/console', 'softhsm', 'ceremony'])('%s says what lives there', (folder) => {
    expect(present).toContain(`${folder}/README.md`);
  });

  test('link only to files that exist', () => {
    const broken = present
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) =>
        [...readRepositoryFile(path).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
          .map((match) => match[1] ?? '')
          .filter((target) => !existsSync(join(repository, dirname(path), target)))
          .map((target) => `${path} links to ${target}`),
      );
    expect(broken).toEqual([]);
  });

  test('name no package registry: which one serves a machine is that machine’s own matter', () => {
    const hosts = [['registry', 'npmjs', 'org'], ['deb', 'debian', 'org'], ['pypi', 'org'], ['proxy', 'golang', 'org']].map((labels) => labels.join('.'));
    const text = present.filter((path) => /\.(ts|mjs|cjs|js|json|md|ya?ml|sh)$|^\.ci\/|^\.npmrc$/.test(path));
    const named = text.flatMap((path) => hosts.filter((host) => readRepositoryFile(path).includes(host)).map((host) => `${path} names ${host}`));
    expect(named).toEqual([]);
  });
});
