/** The trust root as an appliance serves it, after a real genesis. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DynamicModule } from '@nestjs/common';
import { runCeremony } from '#ceremony';
import { parseTufFile } from '#core/tuf';
import { Hsm, HsmModule } from '#hsm';
import { InstanceModule, parseInstance } from '#instance';
import { createLogger, HeldClock, type Settings } from '#platform';
import { TrustRootModule } from '#trust-root';
import { freshDatabase, type FreshDatabase, freshToken } from '../../../../../test/kit/kit.js';
import { loopbackCertificate, shellSettings } from '../../../../../test/kit/shell-settings.js';
import type { Floor } from '../../app.module.js';
import { type Appliance, startAppliance } from '../../start.js';
import { TufDoorModule } from './tuf.module.js';

const DAY_MS = 86_400_000;
const INSTANCE = `
name: trial
organisation: Trial Corporation
mode: evaluation
services:
  fulcio: https://127.0.0.1:8443
  tsa: https://127.0.0.1:8443/api/v1/timestamp
  tuf: https://127.0.0.1:8443/tuf
  ct: [{ name: 2026-1, url: 'https://127.0.0.1:8443/ct/2026-1' }]
  rekorV1: { url: 'https://127.0.0.1:8443', shards: [{ name: 2026-1 }] }
  rekorV2: [{ name: 2026-1, url: 'https://127.0.0.2:8443' }]
`;

const doors = ({ platform }: Floor): DynamicModule[] => {
  const base = [platform, InstanceModule.on([platform]), HsmModule.on([platform])];
  return [TufDoorModule.on([platform, TrustRootModule.on(base)])];
};

describe('the trust root', () => {
  const clock = new HeldClock(Date.parse('2026-11-21T10:00:00Z'));
  const logger = createLogger({ mode: 'evaluation', log: { level: 'fatal' } });
  let directory: string;
  let database: FreshDatabase;
  let settings: Settings;
  let appliance: Appliance;
  let ca: string;

  const start = () => startAppliance(settings, logger, { version: 'test', clock, doors });

  function get(
    path: string,
    method = 'GET',
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
    const { port } = appliance.addresses[0] ?? { port: 0 };
    return new Promise((resolve, reject) => {
      httpsRequest({ host: '127.0.0.1', port, path, method, ca, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts),
          }),
        );
      })
        .on('error', reject)
        .end();
    });
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tuf-'));
    const names = ['root', 'online', 'officer-1', 'officer-2', 'officer-3'];
    const tokens = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await freshToken(`airseal-${name}`)] as const)),
    );
    const journalDir = join(directory, 'journal');
    const hsm = await Hsm.open({ tokens, runtimeDir: directory, journalDir });
    const script = await readFile(join(import.meta.dirname, '../../../../../ceremony/genesis.yaml'), 'utf8');
    await runCeremony({
      script,
      instance: parseInstance(INSTANCE),
      bindings: {},
      hsm,
      stateDir: directory,
      clock,
    });
    await hsm.close();
    await writeFile(join(directory, 'instance.yaml'), INSTANCE);
    ca = loopbackCertificate(directory, 'trial');
    database = await freshDatabase();
    settings = shellSettings(directory, database, { hsm: { tokens: { online: tokens['online'] } } });
    appliance = await start();
  });

  afterAll(async () => {
    await appliance.close();
    await database.drop();
    await rm(directory, { recursive: true });
  });

  test('is served byte for byte, with its length and without compression', async () => {
    const published = await readFile(join(directory, 'tuf', 'timestamp.json'));
    const { status, headers, body } = await get('/tuf/timestamp.json');
    expect([status, headers['content-length'], headers['content-encoding']]).toEqual([
      200,
      String(published.length),
      undefined,
    ]);
    expect(body.equals(published)).toBe(true);
    const targets = parseTufFile((await get('/tuf/1.targets.json')).body, 'targets').signed.targets;
    for (const [name, { hashes, length }] of Object.entries(targets)) {
      expect((await get(`/tuf/targets/${hashes.sha256}.${name}`)).body).toHaveLength(length);
    }
  });

  test('answers a plain 404 for the next root and for every trick with paths', async () => {
    for (const path of [
      '/tuf/2.root.json',
      '/tuf/targets/rekor.pub',
      '/tuf/..%2finstance.yaml',
      '/tuf/%2e%2e/instance.yaml',
      '/tuf/targets/..%2f..%2finstance.yaml',
      '/tuf/targets/',
      '/tuf/1.root.json%00',
    ]) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
  });

  test('tells when its roles expire, as metrics and to /readyz', async () => {
    const metrics = await appliance.metrics.format();
    const at = Date.parse('2026-12-19T10:00:00Z') / 1000;
    expect(metrics).toContain(`airseal_tuf_role_expiry_timestamp_seconds{role="timestamp"} ${at}`);
    expect(JSON.parse((await get('/readyz')).body.toString())).toMatchObject({
      dependencies: { 'trust-root': { status: 'ok' } },
    });
  });

  test('is signed again at a start past half its life, and what was signed survives a lost directory', async () => {
    await appliance.close();
    clock.advance(15 * DAY_MS);
    appliance = await start();
    const { body } = await get('/tuf/timestamp.json');
    expect(parseTufFile(body, 'timestamp').signed.version).toBe(2);

    await appliance.close();
    const stale = parseTufFile(body, 'timestamp');
    await writeFile(
      join(directory, 'tuf', 'timestamp.json'),
      JSON.stringify({ ...stale, signed: { ...stale.signed, version: 1 } }),
    );
    appliance = await start();
    expect((await get('/tuf/timestamp.json')).body.equals(body)).toBe(true);
  });
});
