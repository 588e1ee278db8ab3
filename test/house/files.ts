/** The files of this repository as Git knows them, or as they lie there where Git is not. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const repository = resolve(import.meta.dirname, '../..');

/** Paths from the top of the repository; what .gitignore names is left out. */
export function repositoryFiles(): string[] {
  try {
    const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: repository,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return [...new Set(list.split('\0'))].filter((path) => path !== '').sort();
  } catch {
    return walk(repository).sort();
  }
}

const ignored = new Set(['.git', 'node_modules', 'dist', '.airseal', '.cache', 'coverage', 'build']);

function walk(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => !ignored.has(entry.name))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? walk(path) : [relative(repository, path)];
    });
}

export function readRepositoryFile(path: string): string {
  return readFileSync(join(repository, path), 'utf8');
}
