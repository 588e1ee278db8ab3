import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePublicKey, sha256 } from '#core/crypto';
import { logVerifier, parseNote, verifyNote } from '#core/note';
import { fromBase64, toHex } from '#core/octets';
import { formatPem, parsePem } from '#core/pem';
import { parseTufFile, verifyRepository } from '#core/tuf';
import { assembleCertificate, draftCaCertificate, parseCsr } from '#core/x509';
import type { KeyRecord, NewKey, Signer } from '#hsm';
import { parseInstance, parseTrustMaterial } from '#instance';
import { HeldClock } from '#platform';
import { RepositoryDirectory } from '#trust-root';
import { GENESIS_MS, softwareCa, softwareKey } from '../../../test/kit/software-pki.js';
import { EVALUATION_MARK, runCeremony, type CeremonyOrder, type Tokens } from './index.js';

const INSTANCE = `
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
`;

const DAY_MS = 86_400_000;

interface SoftKey {
  readonly record: KeyRecord;
  readonly privateKey: KeyObject;
}

/** Keys in this process, and a power switch: everything after the given number of effects fails. */
class SoftTokens implements Tokens {
  readonly keys = new Map<string, SoftKey[]>();
  readonly destroyed: string[] = [];
  effectsLeft = Number.POSITIVE_INFINITY;
  /** Whether the effect at which the power goes still happens. */
  lastCounts = false;

  #spend<T>(effect: () => T): T {
    if (this.effectsLeft-- > 0) return effect();
    if (this.lastCounts) effect();
    throw new Error('power cut');
  }

  generate(token: string, { label, algorithm, id = randomBytes(16) }: NewKey): Promise<KeyRecord> {
    return Promise.resolve().then(() => this.#spend(() => this.#make(token, label, algorithm, id)));
  }

  #make(token: string, label: string, algorithm: NewKey['algorithm'], id: Uint8Array): KeyRecord {
    const { publicKey, privateKey } = algorithm.startsWith('rsa')
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: algorithm.includes('384') ? 'P-384' : 'P-256' });
    const record: KeyRecord = {
      uri: `pkcs11:token=airseal-${token};object=${label}`,
      algorithm,
      id,
      spki: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
      report: { policy: 'private-signing-key@1', profile: 'test', rows: [], holds: true },
    };
    this.keys.set(token, [...(this.keys.get(token) ?? []), { record, privateKey }]);
    return record;
  }

  #find(uri: string): SoftKey {
    const found = [...this.keys.values()].flat().find(({ record }) => record.uri === uri);
    if (found === undefined) throw new Error(`no key ${uri}`);
    return found;
  }

  adopt(uri: string): Promise<KeyRecord> {
    return Promise.resolve(this.#find(uri).record);
  }

  signer(uri: string): Promise<Signer> {
    const { record, privateKey } = this.#find(uri);
    const hash = record.algorithm.includes('384') ? 'sha384' : 'sha256';
    return Promise.resolve({
      uri,
      algorithm: record.algorithm,
      spki: record.spki,
      sign: (message: Uint8Array) =>
        Promise.resolve().then(() => this.#spend(() => new Uint8Array(sign(hash, message, privateKey)))),
    });
  }

  destroy(uri: string, label: string): Promise<void> {
    this.destroyed.push(label);
    for (const [token, keys] of this.keys) {
      this.keys.set(
        token,
        keys.filter(({ record }) => !uri.startsWith(record.uri)),
      );
    }
    return Promise.resolve();
  }

  inventory(token: string): ReturnType<Tokens['inventory']> {
    const info = {
      label: `airseal-${token}`,
      manufacturer: 'test',
      model: 'test',
      serial: '1',
      firmware: '0',
      hardware: '0',
      library: 'test',
      flags: 0,
      pin: 'ok' as const,
      protectedAuthenticationPath: false,
    };
    return Promise.resolve({
      token: info,
      keys: (this.keys.get(token) ?? []).map(({ record }) => record),
      others: [],
    });
  }

  random(_token: string, length: number): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(randomBytes(length)));
  }
}

describe('genesis', () => {
  let stateDir: string;
  let tokens: SoftTokens;
  let script: string;
  const clock = new HeldClock(Date.parse('2026-11-21T10:00:00Z'));

  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'airseal-genesis-'));
    tokens = new SoftTokens();
    script = await readFile(join(import.meta.dirname, '../../../ceremony/genesis.yaml'), 'utf8');
  });
  afterEach(() => rm(stateDir, { recursive: true }));

  const order = (changes: Partial<CeremonyOrder> = {}): CeremonyOrder => ({
    script,
    instance: parseInstance(INSTANCE),
    bindings: {},
    hsm: tokens,
    stateDir,
    clock,
    ...changes,
  });
  const trust = (name: string) => readFile(join(stateDir, 'trust', name), 'utf8');
  const material = async () => parseTrustMaterial(await trust('trust-material.json'));

  test('makes everything that the appliance and its clients need', async () => {
    const outcome = await runCeremony(order());
    expect(outcome).toMatchObject({ status: 'closed', resumed: false });
    const made = await material();
    expect(made.organisation).toBe(EVALUATION_MARK);
    expect(made.rekorV1[0]?.origin).toBe(`127.0.0.1 - ${made.rekorV1[0]?.treeId}`);
    expect(made.rekorV2[0]?.origin).toBe('127.0.0.2');
    expect(made.certificateAuthorities[0]?.chain).toHaveLength(2);
    expect(made.timestampAuthorities[0]?.chain).toHaveLength(3);
    expect((await readdir(join(stateDir, 'trust'))).toSorted()).toEqual([
      'bootstrap-card.txt',
      'client_trust_config.json',
      'ctfe.pub',
      'fulcio.crt.pem',
      'rekor.pub',
      'root.json',
      'signing_config.v0.2.json',
      'signing_config_rekor_v2.v0.2.json',
      'trust-material.json',
      'trusted_root.json',
      'tsa.certchain.pem',
    ]);
    const repository = await new RepositoryDirectory(join(stateDir, 'tuf')).read();
    verifyRepository(repository, '2026-11-21T10:00:00Z');
    expect(await trust('bootstrap-card.txt')).toContain(toHex(sha256(repository.root)));
    expect(parseTufFile(repository.root, 'root').signatures).toHaveLength(3);
  });

  test('signs the head of its transcript, and says the mode in the first line', async () => {
    const { directory, runId } = await runCeremony(order());
    const lines = (await readFile(join(directory, 'transcript.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      type: 'opened',
      body: { mode: 'evaluation', mark: EVALUATION_MARK },
    });
    const note = parseNote(await readFile(join(directory, 'transcript.note'), 'utf8'));
    const key = parsePublicKey(fromBase64((await material()).transcript.spki));
    verifyNote(note, [logVerifier(`trial/ceremonies/${runId}`, key)]);
    expect(note.text.split('\n')[1]).toBe(String(lines.length));
  });

  test('held once, is not held again', async () => {
    const first = await runCeremony(order());
    const before = await trust('trust-material.json');
    const second = await runCeremony(order());
    expect(second).toMatchObject({
      status: 'closed-before',
      runId: first.runId,
      transcriptHead: first.transcriptHead,
    });
    expect(await trust('trust-material.json')).toBe(before);
  });

  test.each([true, false])(
    'goes on after a power cut at every effect, whether the last effect happened (%p) or not',
    async (lastCounts) => {
      let cuts = 0;
      for (;;) {
        tokens.effectsLeft = 1;
        tokens.lastCounts = lastCounts;
        try {
          const outcome = await runCeremony(order());
          // The last cut can fall between the last line and the signature over all lines.
          expect(outcome.status).toMatch(/^closed/);
          break;
        } catch (error) {
          expect(error).toMatchObject({ message: 'power cut' });
          cuts++;
        }
      }
      expect(cuts).toBeGreaterThan(15);
      const repository = await new RepositoryDirectory(join(stateDir, 'tuf')).read();
      verifyRepository(repository, '2026-11-21T10:00:00Z');
      expect([...tokens.keys.values()].flat()).toHaveLength(16);
    },
    60_000,
  );

  test('keeps no key in production that nobody saw being made', async () => {
    const instance = { ...parseInstance(INSTANCE), mode: 'production' as const };
    tokens.effectsLeft = 0;
    tokens.lastCounts = true;
    await expect(runCeremony(order({ instance }))).rejects.toThrow('power cut');
    tokens.effectsLeft = Number.POSITIVE_INFINITY;
    await runCeremony(order({ instance }));
    expect(tokens.destroyed).toEqual(['transcript']);
    expect((await material()).organisation).toBe('Trial Corporation');
  });

  test('goes on from a torn last line, and keeps the fragment', async () => {
    tokens.effectsLeft = 5;
    await expect(runCeremony(order())).rejects.toThrow('power cut');
    tokens.effectsLeft = Number.POSITIVE_INFINITY;
    const [run = ''] = await readdir(join(stateDir, 'ceremonies'));
    const directory = join(stateDir, 'ceremonies', run);
    await appendFile(join(directory, 'transcript.jsonl'), '{"seq":99,"bo');
    expect(await runCeremony(order())).toMatchObject({ status: 'closed', resumed: true });
    expect((await readdir(directory)).filter((name) => name.includes('.torn-'))).toHaveLength(1);
  });

  test('refuses a transcript in which a line was changed', async () => {
    const { directory } = await runCeremony(order());
    const path = join(directory, 'transcript.jsonl');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"label":"code-root"', '"label":"code-riot"'));
    await expect(runCeremony(order())).rejects.toMatchObject({ code: 'ceremony/transcript' });
  });

  test('stops when a token holds a key that this plan did not make', async () => {
    const run = runCeremony(
      order({
        progress: ({ step, state }) => {
          if (step === 'tuf-root' && state === 'begins')
            void tokens.generate('root', { label: 'stowaway', algorithm: 'ecdsa-p256-sha256' });
        },
      }),
    );
    await expect(run).rejects.toMatchObject({ code: 'ceremony/undeclared' });
    await expect(material()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('adopts keys that the bindings name', async () => {
    const { uri, spki } = await tokens.generate('root', {
      label: 'old-root',
      algorithm: 'ecdsa-p384-sha384',
    });
    await runCeremony(order({ bindings: { adopt: { 'code-root-key': uri } } }));
    const chain = (await material()).certificateAuthorities[0]?.chain ?? [];
    expect(toHex(fromBase64(chain.at(-1) ?? ''))).toContain(toHex(spki));
  });

  describe('under external roots', () => {
    const authorities = { code: 'external', time: 'external' } as const;
    const inputs = async () => {
      const [run = ''] = await readdir(join(stateDir, 'ceremonies'));
      const directory = join(stateDir, 'ceremonies', run, 'inputs');
      await mkdir(directory, { recursive: true });
      return directory;
    };

    /** What an authority elsewhere does with a request of ours. */
    async function answer(name: string, role: 'code-intermediate' | 'tsa-intermediate', spki?: Uint8Array) {
      const rootRole = role === 'code-intermediate' ? 'code-root' : 'time-root';
      const root = softwareCa(rootRole, `Elsewhere ${rootRole}`, undefined, softwareKey('ecdsa-p384-sha384'));
      const request = parseCsr(parsePem(await trust(`${name}.csr`))[0]?.der ?? new Uint8Array());
      const draft = draftCaCertificate({
        role,
        serial: randomBytes(20),
        subject: { organisation: 'Elsewhere', commonName: `Issued ${name}` },
        issuer: root.certificate,
        signatureAlgorithm: root.key.algorithm,
        spki: spki ?? request.key.spki,
        notBeforeMs: GENESIS_MS + 3_600_000,
        untilMs: GENESIS_MS + 1000 * DAY_MS,
      });
      const der = assembleCertificate(draft.tbs, draft.signatureAlgorithm, root.key.sign(draft.tbs));
      const pem = [der, root.certificate.der].map((one) => formatPem('CERTIFICATE', one)).join('');
      await writeFile(join(await inputs(), `${name}.pem`), pem);
    }

    test('waits for each chain, and goes on when it is there', async () => {
      const run = () => runCeremony(order({ bindings: { authorities } }));
      await expect(run()).rejects.toMatchObject({ code: 'ceremony/waiting', kind: 'unavailable' });
      await answer('fulcio-intermediate', 'code-intermediate');
      await expect(run()).rejects.toMatchObject({ code: 'ceremony/waiting' });
      await answer('tsa-intermediate', 'tsa-intermediate');
      expect(await run()).toMatchObject({ status: 'closed', resumed: true });
      const made = await material();
      expect(made.certificateAuthorities[0]?.chain).toHaveLength(2);
      expect(made.timestampAuthorities[0]?.chain).toHaveLength(3);
      // The window opens no earlier than the authority's own dates.
      expect(made.certificateAuthorities[0]?.start).toBe('2026-11-21T11:00:00Z');
      expect((tokens.keys.get('root') ?? []).map(({ record }) => record.uri)).toEqual([
        'pkcs11:token=airseal-root;object=tsa-intermediate',
      ]);
    });

    test('refuses a chain for another key', async () => {
      const run = () => runCeremony(order({ bindings: { authorities } }));
      await expect(run()).rejects.toMatchObject({ code: 'ceremony/waiting' });
      await answer('fulcio-intermediate', 'code-intermediate', softwareKey().spki);
      await expect(run()).rejects.toMatchObject({ code: 'ceremony/foreign-key' });
    });

    test('refuses a certificate that may not issue for code signing', async () => {
      const run = () => runCeremony(order({ bindings: { authorities } }));
      await expect(run()).rejects.toMatchObject({ code: 'ceremony/waiting' });
      await answer('fulcio-intermediate', 'tsa-intermediate');
      await expect(run()).rejects.toMatchObject({ code: 'x509/lint' });
    });
  });
});
