import { describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatDocument } from '../../apps/appliance/src/openapi/document.js';
import { everyDeclaration } from '../../apps/appliance/src/openapi/every-declaration.js';
import { readRepositoryFile, repository } from './files.js';

describe('docs/openapi', () => {
  // If one of these fails: npm run openapi, and look at the difference before it is committed.
  test.each(everyDeclaration.map((door) => [door.name, door] as const))(
    '%s is what the door declares',
    (name, door) => {
      expect(readRepositoryFile(`docs/openapi/${name}.json`)).toBe(formatDocument(door));
    },
  );

  test('holds nothing else', () => {
    const files = readdirSync(join(repository, 'docs/openapi')).filter((name) => name.endsWith('.json'));
    expect(files.sort()).toEqual(everyDeclaration.map(({ name }) => `${name}.json`).sort());
  });
});
