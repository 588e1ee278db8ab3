import { createServer } from 'node:http';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parsePublicKey } from '#core/crypto';
import { canonicalJson } from '#core/json';
import { leafHash } from '#core/merkle';
import { formatCheckpoint, keyHint, signNote, v1LogId } from '#core/note';
import { fromUtf8, toBase64, toHex } from '#core/octets';
import { showEntry } from './log.command.js';

describe('an entry of a log', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const signed = (octets: Uint8Array): Uint8Array => sign('sha256', octets, privateKey);

  const body = fromUtf8('{"kind":"hashedrekord","apiVersion":"0.0.1","spec":{}}');
  const leaf = leafHash(body);
  const uuid = toHex(leaf);
  const text = formatCheckpoint({ origin: '127.0.0.1 - 1', size: 1n, root: leaf });
  const checkpoint = signNote(
    text,
    '127.0.0.1',
    keyHint(v1LogId(parsePublicKey(spki))),
    signed(fromUtf8(text)),
  );
  const promise = { body: toBase64(body), integratedTime: 1_700_000_000, logID: 'aa', logIndex: 7 };
  const entry = {
    ...promise,
    verification: {
      signedEntryTimestamp: toBase64(signed(canonicalJson(promise))),
      inclusionProof: { hashes: [], logIndex: 0, checkpoint },
    },
  };

  const server = createServer((_request, response) => response.end(JSON.stringify({ [uuid]: entry })));
  const folder = mkdtempSync(join(tmpdir(), 'airseal-spec-entry-'));
  const trustedRoot = join(folder, 'trusted_root.json');
  const written = jest.spyOn(process.stdout, 'write');
  beforeAll(async () => {
    written.mockReturnValue(true);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const log = { baseUrl, publicKey: { rawBytes: toBase64(spki), keyDetails: 'PKIX_ECDSA_P256_SHA_256' } };
    writeFileSync(trustedRoot, JSON.stringify({ tlogs: [log] }));
  });
  afterAll(async () => {
    written.mockRestore();
    rmSync(folder, { recursive: true });
    await new Promise((resolve) => server.close(resolve));
  });

  test.each(['7', '07', uuid, `${'0'.repeat(16)}${uuid}`])(
    'is shown to whoever asks for it by %s',
    async (id) => {
      await showEntry([id], { output: 'json', trustedRoot });
      expect(JSON.parse(String(written.mock.lastCall?.[0]))).toMatchObject({ uuid, logIndex: 7 });
    },
  );

  test.each(['8', '0', 'f'.repeat(64), `${uuid}${'0'.repeat(16)}`])(
    'is no answer to whoever asks for %s',
    async (id) => {
      await expect(showEntry([id], { output: 'json', trustedRoot })).rejects.toMatchObject({
        kind: 'unverified',
        code: 'cli/other-entry',
      });
    },
  );
});
