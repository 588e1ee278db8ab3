import { describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { airseal, installation } from '../kit/index.js';

describe('a machine', () => {
  test('signs a file, and anybody verifies it with no network call', async () => {
    const { credentials, identity, origin } = installation();
    const directory = await mkdtemp(join(tmpdir(), 'airseal-journey-'));
    try {
      const artifact = join(directory, 'release.txt');
      const bundle = `${artifact}.sigstore.json`;
      await writeFile(artifact, 'what was built\n');
      expect(await airseal('sign-blob', '--credentials', credentials, '--bundle', bundle, artifact)).toMatchObject({ code: 0 });

      const signer = ['--certificate-identity', identity, '--certificate-oidc-issuer', `${origin}/oidc`];
      const verified = await airseal('verify-blob', '--bundle', bundle, ...signer, artifact);
      expect(verified).toMatchObject({ code: 0 });
      expect(verified.stdout).toContain('network calls: 0');

      await writeFile(artifact, 'what was built, and then changed\n');
      expect((await airseal('verify-blob', '--bundle', bundle, ...signer, artifact)).code).not.toBe(0);
      expect(JSON.parse(await readFile(bundle, 'utf8'))).toMatchObject({ mediaType: expect.stringContaining('sigstore.bundle') });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
