import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { softTpmInstalled, startSoftTpm, type SoftTpm } from '../../../test/kit/soft-tpm/soft-tpm.js';
import { Hsm } from './hsm.js';
import { signerContract } from './signer.contract.js';
import type { Signer } from './signer.js';

// A machine without the packages shows these as skipped, never as passed.
const suite = softTpmInstalled() ? describe : describe.skip;

suite('on a TPM in software (tpm2-pkcs11 over swtpm)', () => {
  let runtimeDir: string;
  let tpm: SoftTpm;
  let hsm: Hsm;
  const signers = new Map<string, Promise<Signer>>();

  beforeAll(async () => {
    runtimeDir = mkdtempSync(join(tmpdir(), 'hsm-'));
    tpm = await startSoftTpm('airseal-tpm');
    hsm = await Hsm.open({ tokens: { online: tpm.settings }, runtimeDir });
  }, 60_000);

  afterAll(async () => {
    await hsm.close();
    await tpm.stop();
    rmSync(runtimeDir, { recursive: true, force: true });
  });

  const make = async (label: string, algorithm: Signer['algorithm']): Promise<Signer> => {
    const key = await hsm.generate('online', { label, algorithm });
    return await hsm.signer(key.uri, 'trial', { spki: key.spki });
  };

  signerContract(['ecdsa-p256-sha256', 'ecdsa-p384-sha384', 'rsa-2048-sha256'], (algorithm) => {
    const known = signers.get(algorithm) ?? make(`contract-${algorithm}`, algorithm);
    signers.set(algorithm, known);
    return known;
  });

  test('what the family cannot do is reported as unsupported, not as passed or failed', async () => {
    const { report } = await hsm.generate('online', { label: 'attributes', algorithm: 'ecdsa-p256-sha256' });
    expect(report.profile).toBe('tpm2-pkcs11');
    expect(report.holds).toBe(true);
    const verdict = (check: string): string | undefined =>
      report.rows.find((row) => row.check === check)?.verdict;
    expect(verdict('CKA_SENSITIVE')).toBe('pass');
    expect(verdict('CKA_NEVER_EXTRACTABLE')).toBe('pass');
    expect(report.rows.filter((row) => row.verdict === 'fail')).toEqual([]);
  });

  test('algorithms that it has not are refused by name', async () => {
    await expect(hsm.generate('online', { label: 'ed', algorithm: 'ed25519' })).rejects.toMatchObject({
      code: 'hsm/mechanism-absent',
    });
    await expect(
      hsm.generate('online', { label: 'rsa', algorithm: 'rsa-4096-sha256' }),
    ).rejects.toMatchObject({ code: 'hsm/mechanism-absent' });
  });

  test('is refused by production', async () => {
    const production = await Hsm.open({ tokens: { online: tpm.settings }, runtimeDir, mode: 'production' });
    const work = production.generate('online', { label: 'x', algorithm: 'ecdsa-p256-sha256' });
    await expect(work).rejects.toMatchObject({ code: 'hsm/not-eligible' });
    await production.close();
  });
});
