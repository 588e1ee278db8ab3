/** Genesis on real tokens, and its outputs in the hands of other people's programs. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { ClientTrustConfig, SigningConfig, TrustedRoot } from '@sigstore/protobuf-specs';
import { initTUF } from '@sigstore/tuf';
import { toTrustMaterial } from '@sigstore/verify';
import { fromBase64, toHex } from '#core/octets';
import { parseCertificate } from '#core/x509';
import { Hsm } from '#hsm';
import { parseInstance, parseTrustMaterial, type TrustMaterial } from '#instance';
import { systemClock } from '#platform';
import { freshToken } from '../../../test/kit/kit.js';
import { runCeremony, type CeremonyOutcome } from './index.js';

const run = promisify(execFile);

const INSTANCE = parseInstance(`
name: trial
organisation: Trial Corporation
mode: evaluation
services:
  fulcio: https://127.0.0.1:8443
  oidc: https://127.0.0.1:8443/oidc
  tsa: https://127.0.0.1:8443/api/v1/timestamp
  tuf: https://127.0.0.1:8443/tuf
  ct: [{ name: 2026-1, url: 'https://127.0.0.1:8443/ct/2026-1' }]
  rekorV1: { url: 'https://127.0.0.1:8443', shards: [{ name: 2026-1 }] }
  rekorV2: [{ name: 2026-1, url: 'https://127.0.0.2:8443' }]
`);

describe('genesis on SoftHSM', () => {
  let stateDir: string;
  let hsm: Hsm;
  let outcome: CeremonyOutcome;
  let material: TrustMaterial;
  let server: Server;
  let mirrorURL: string;
  const trust = (name: string) => join(stateDir, 'trust', name);
  const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(trust(name), 'utf8'));

  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'gen-'));
    const names = ['root', 'online', 'officer-1', 'officer-2', 'officer-3'];
    const tokens = await Promise.all(
      names.map(async (name) => [name, await freshToken(`airseal-${name}`)] as const),
    );
    hsm = await Hsm.open({ tokens: Object.fromEntries(tokens), runtimeDir: stateDir });
    const script = await readFile(join(import.meta.dirname, '../../../ceremony/genesis.yaml'), 'utf8');
    outcome = await runCeremony({
      script,
      instance: INSTANCE,
      bindings: {},
      hsm,
      stateDir,
      clock: systemClock,
    });
    material = parseTrustMaterial(await readFile(trust('trust-material.json'), 'utf8'));
    server = createServer((request, response) => {
      readFile(join(stateDir, 'tuf', normalize(request.url ?? '/'))).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      );
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    mirrorURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    server.close();
    await hsm.close();
    await rm(stateDir, { recursive: true });
  });

  test('ends with every attribute of every key read back as it must be', async () => {
    expect(outcome.status).toBe('closed');
    const lines = (await readFile(join(outcome.directory, 'transcript.jsonl'), 'utf8')).trimEnd().split('\n');
    const reports = lines
      .map((line) => JSON.parse(line).body.result?.attributes)
      .filter((report) => report !== undefined);
    expect(reports).toHaveLength(16);
    expect(reports.every((report) => report.holds)).toBe(true);
  });

  test('makes chains that openssl verifies, with the strict rules of X.509', async () => {
    const chains = [
      material.certificateAuthorities[0]?.chain ?? [],
      material.timestampAuthorities[0]?.chain ?? [],
    ];
    for (const [at, chain] of chains.entries()) {
      const pem = chain.map(
        (der) =>
          `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`,
      );
      const file = async (name: string, text: string) => {
        await writeFile(join(stateDir, name), text);
        return join(stateDir, name);
      };
      const root = await file(`${at}-root.pem`, pem.at(-1) ?? '');
      const middle = await file(`${at}-middle.pem`, pem.slice(1).join(''));
      const leaf = await file(`${at}-leaf.pem`, pem[0] ?? '');
      const purpose = at === 0 ? 'any' : 'timestampsign';
      const { stdout } = await run('openssl', [
        ...['verify', '-x509_strict', '-check_ss_sig', '-purpose', purpose],
        ...['-CAfile', root, '-untrusted', middle, leaf],
      ]);
      expect(stdout).toContain(': OK');
    }
  });

  test('gives every certificate a name and a serial of its own', () => {
    const certificates = [...material.certificateAuthorities, ...material.timestampAuthorities].flatMap(
      ({ chain }) => chain.map((der) => parseCertificate(fromBase64(der))),
    );
    expect(certificates).toHaveLength(5);
    expect(new Set(certificates.map(({ serial }) => serial)).size).toBe(5);
    expect(new Set(certificates.map(({ subjectDer }) => toHex(subjectDer))).size).toBe(5);
  });

  test('writes trust files that sigstore’s own types read without loss', async () => {
    // The library writes times with a fraction that we leave out; everything else must come back as it was.
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll('.000Z"', 'Z"'));
    const root = await json('trusted_root.json');
    expect(plain(TrustedRoot.toJSON(TrustedRoot.fromJSON(root)))).toEqual(root);
    expect(JSON.stringify(root)).not.toMatch(/operator|checkpointKeyId/);
    for (const name of ['signing_config.v0.2.json', 'signing_config_rekor_v2.v0.2.json']) {
      const config = await json(name);
      expect(plain(SigningConfig.toJSON(SigningConfig.fromJSON(config)))).toEqual(config);
    }
    const both = await json('client_trust_config.json');
    expect(plain(ClientTrustConfig.toJSON(ClientTrustConfig.fromJSON(both)))).toEqual(both);
    expect(toTrustMaterial(TrustedRoot.fromJSON(root)).tlogs).toHaveLength(2);
  });

  test('publishes a repository that tuf-js follows from an empty store', async () => {
    const cachePath = join(stateDir, 'cache');
    const client = await initTUF({
      mirrorURL,
      rootPath: trust('root.json'),
      cachePath,
      forceInit: true,
      retry: 0,
    });
    for (const name of ['trusted_root.json', 'signing_config.v0.2.json']) {
      expect(await client.getTarget(name)).toBe(await readFile(trust(name), 'utf8'));
    }
    expect(await client.getTarget('rekor.pub')).toBe(await readFile(trust('rekor.pub'), 'utf8'));
  });

  test('held again, does nothing', async () => {
    const script = await readFile(join(import.meta.dirname, '../../../ceremony/genesis.yaml'), 'utf8');
    const again = await runCeremony({
      script,
      instance: INSTANCE,
      bindings: {},
      hsm,
      stateDir,
      clock: systemClock,
    });
    expect(again).toMatchObject({ status: 'closed-before', transcriptHead: outcome.transcriptHead });
  });
});
