import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fetchJson } from './fetch-json.js';

describe('fetching from an issuer', () => {
  let directory: string;
  let server: Server;
  let origin: string;
  let caCert: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'fetch-'));
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    execFileSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${key} -out ${cert} -days 1 -subj /CN=t -addext subjectAltName=IP:127.0.0.1`.split(
        ' ',
      ),
      { stdio: 'ignore' },
    );
    caCert = readFileSync(cert, 'utf8');
    server = createServer({ key: readFileSync(key), cert: caCert }, (request, response) => {
      switch (request.url) {
        case '/ok':
          return void response.end('{"a":1}');
        case '/near':
          return void response.writeHead(302, { location: '/ok' }).end();
        case '/away':
          return void response.writeHead(302, { location: 'https://127.0.0.2:1/ok' }).end();
        case '/round':
          return void response.writeHead(302, { location: '/round' }).end();
        case '/large':
          return void response.end(`"${'x'.repeat(1024 * 1024)}"`);
        case '/twice':
          return void response.end('{"a":1,"a":2}');
        default:
          return void response.writeHead(404).end('{}');
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.close();
    server.closeAllConnections();
    rmSync(directory, { recursive: true });
  });

  test('trusts the CA of the settings beside the public ones', async () => {
    await expect(fetchJson(`${origin}/ok`, { caCert })).resolves.toEqual({ a: 1 });
    await expect(fetchJson(`${origin}/ok`, { caCert: '' })).rejects.toMatchObject({
      code: 'identity/issuer-unreachable',
    });
  });

  test('follows a redirect on the same host', async () => {
    await expect(fetchJson(`${origin}/near`, { caCert })).resolves.toEqual({ a: 1 });
  });

  test.each([
    ['/away', /another host/],
    ['/round', /too many redirects/],
    ['/large', /no answer/],
    ['/twice', /not JSON/],
    ['/nothing', /answered 404/],
  ])('gives up on %s', async (path, why) => {
    await expect(fetchJson(`${origin}${path}`, { caCert })).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(why),
    });
  });

  test('asks no other machine in the clear', async () => {
    await expect(fetchJson('http://192.0.2.1/x', { caCert: '' })).rejects.toMatchObject({
      message: expect.stringMatching(/only https/),
    });
  });
});
