/** The whole log is derived again beside the running appliance, and a damaged octet is named by its place. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../apps/bootstrap/src/postgres.mjs';
import { findState } from '../../apps/bootstrap/src/state.mjs';
import { airseal, installation } from '../kit/index.js';
import { hashedRekordV1, hashedRekordV2 } from './proposals.js';
import { certified, Holder } from './signer.js';
import { ask, post } from './wire.js';

const { origin, shardOrigin, runtimeDir, stateDir } = installation();
const TREES = ['audit/1', 'ct/2026', 'rekor-v1/2026-1', 'rekor-v2/2026-1', 'timestamp/1'];

interface Report {
  readonly clean: boolean;
  readonly interrupted: boolean;
  readonly trees: readonly {
    readonly tree: string;
    readonly from: string;
    readonly to: string;
    readonly head: { readonly size: string };
    readonly checkpoint: { readonly size: string } | null;
    readonly faults: readonly { readonly place: string; readonly expected: string; readonly found: string }[];
  }[];
}

/** What no role of the appliance may do. */
function damage(statement: string): Promise<string> {
  const layout = findState(stateDir)?.layout;
  if (layout === undefined) throw new Error('no state directory');
  const { postgres: directory, logs, daemons } = layout;
  return sql(
    { directory, logs, daemons, runtime: runtimeDir },
    'airseal',
    `SET session_replication_role = replica; ${statement}`,
  );
}

beforeAll(async () => {
  const proposer = await certified();
  for (let at = 0; at < 3; at++)
    await post(origin, '/api/v1/log/entries', hashedRekordV1(proposer, `checked ${at}`));
  await post(shardOrigin, '/api/v2/log/entries', hashedRekordV2(new Holder(), 'checked'));
});

describe('airseal log fsck', () => {
  test('covers every tree to its head while the appliance serves, and finds nothing', async () => {
    const { code, stdout, stderr } = await airseal('log', 'fsck', '--output', 'json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as Report;
    expect(report).toMatchObject({ clean: true, interrupted: false });
    expect(report.trees.map(({ tree }) => tree)).toEqual(TREES);
    for (const { from, to, head } of report.trees) expect([from, to]).toEqual(['0', head.size]);
  });

  test('names the leaf whose body was changed, changes nothing, and exits with 26', async () => {
    const flip = (column: string) =>
      `UPDATE log_leaf SET ${column} = set_byte(${column}, 5, get_byte(${column}, 5) # 4)
        WHERE idx = 1 AND shard = (SELECT id FROM log_shard WHERE name = 'rekor-v1/2026-1')`;
    await damage(flip('body'));
    try {
      const { code, stdout, stderr } = await airseal(
        'log',
        'fsck',
        '--tree',
        'rekor-v1/2026-1',
        '--output',
        'json',
      );
      expect(code).toBe(26);
      expect(stderr).toContain('log/contradiction');
      const [tree] = (JSON.parse(stdout) as Report).trees;
      expect(tree?.faults.map(({ place }) => place)).toEqual(['leaf/body: leaf 1, column body']);
      const text = await airseal('log', 'fsck', '--tree', 'rekor-v1/2026-1');
      expect(text.stdout).toContain('FAULTS: 1');
      expect(text.stdout).toContain('leaf/body: leaf 1, column body');
    } finally {
      await damage(flip('body'));
    }
    expect((await airseal('log', 'fsck', '--tree', 'rekor-v1/2026-1')).code).toBe(0);
  });

  test('refuses a tree that is not there, and a place to go on from where there is none', async () => {
    expect((await airseal('log', 'fsck', '--tree', 'rekor-v9/1')).code).toBe(23);
    expect((await airseal('log', 'fsck', '--resume')).code).toBe(23);
    expect((await airseal('log', 'fsck', '--from', '10')).code).toBe(20);
  });

  test('tells how far the appliance’s own check is, as the health answer does', async () => {
    const { code, stdout } = await airseal('log', 'fsck', '--status', '--output', 'json');
    expect(code).toBe(0);
    const { enabled, clean, trees } = JSON.parse(stdout) as {
      enabled: boolean;
      clean: boolean;
      trees: { tree: string; verified: string; started: string }[];
    };
    expect({ enabled, clean, trees: trees.map(({ tree }) => tree) }).toEqual({
      enabled: true,
      clean: true,
      trees: TREES,
    });
    const ready = JSON.parse((await ask(origin, { path: '/readyz' })).text) as {
      dependencies: Record<string, { status: string; facts?: Record<string, string> }>;
    };
    expect(ready.dependencies['verification']?.status).toBe('ok');
    expect(ready.dependencies['verification']?.facts?.['audit/1']).toMatch(
      /^\d+ of \d+ leaves since .*Z, \d+ full passes$/,
    );
  });
});
