import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { searchLogs } from './search.js';

describe('a server that answers a search with', () => {
  let answer: unknown;
  const server = createServer((_request, response) => response.end(JSON.stringify(answer)));
  const folder = mkdtempSync(join(tmpdir(), 'airseal-search-'));
  const trustedRoot = join(folder, 'trusted_root.json');
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(trustedRoot, JSON.stringify({ tlogs: [{ baseUrl }] }));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await new Promise((resolve) => server.close(resolve));
  });

  const tree = {
    face: 'v1',
    tree: 'rekor-v1/1',
    logId: 'aa',
    url: '/api/v1/log',
    size: '0',
    window: { first: '0', end: '0' },
    timeSource: 'integratedTime',
  };
  test.each([
    ['no tree at all', { trees: [], hits: [] }, 'cli/no-range'],
    ['entries without a checkpoint', { trees: [{ ...tree, size: '5' }], hits: [] }, 'note/malformed'],
    ['no list of trees', { hits: [] }, 'cli/strange-answer'],
    ['a hit that is none', { trees: [tree], hits: [{}] }, 'cli/strange-answer'],
    ['a size that is none', { trees: [{ ...tree, size: '-1' }], hits: [] }, 'cli/strange-answer'],
    ['nothing', null, 'cli/strange-answer'],
  ])('%s is not taken for one that has found nothing', async (_what, given, code) => {
    answer = given;
    await expect(
      searchLogs({ output: 'text', trustedRoot }, new URLSearchParams(), 100),
    ).rejects.toMatchObject({ code });
  });

  test('an empty tree says that nothing is there', async () => {
    answer = { trees: [tree], hits: [] };
    await expect(searchLogs({ output: 'text', trustedRoot }, new URLSearchParams(), 100)).resolves.toEqual({
      trees: [tree],
      hits: [],
      more: false,
    });
  });
});
