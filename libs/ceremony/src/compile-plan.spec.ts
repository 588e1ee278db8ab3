import { describe, expect, test } from '@jest/globals';
import { parseInstance } from '#instance';
import { compilePlan, parseScript, planHash, type Plan } from './index.js';

const instance = parseInstance(`
name: trial
organisation: Trial Corporation
mode: evaluation
services:
  fulcio: https://fulcio.example
  tsa: https://tsa.example/api/v1/timestamp
  tuf: https://tuf.example
  ct: [{ name: a, url: 'https://ct.example/a' }, { name: b, url: 'https://ct.example/b' }]
  rekorV1: { url: 'https://rekor.example', shards: [{ name: a }] }
  rekorV2: [{ name: a, url: 'https://log-a.rekor.example' }]
`);

const HEAD = `
apiVersion: ceremony/v1
kind: CeremonyScript
metadata: { template: trial@1, title: Trial }
tokens: [root]
transcript: { key: key }
steps:
  - { id: key, kind: key.generate, say: s, on: root, label: k, algorithm: ecdsa-p256-sha256, recovery: adopt-in-evaluation }
`;

function compile(steps: string, adopt: Record<string, string> = {}): Plan {
  const text = HEAD + steps;
  return compilePlan(text, parseScript(text), {
    instance,
    notBefore: '2026-11-21T00:00:00Z',
    generation: 'G1',
    adopt,
    authorities: { code: 'own', time: 'own' },
  });
}

const BUILD = `  - { id: draft, kind: x509.build, say: s, role: code-root, key: key, subject: { commonName: 'Root {year} {generation}' }, validity: { years: 1 } }\n`;

describe('a plan', () => {
  test('has one step for each shard and no placeholder left', () => {
    const plan = compile(
      `  - { id: 'ct-{ctShard}', kind: log.key, say: 'Log {ctShard}', face: ct, shard: '{ctShard}', key: key }\n${BUILD}`,
    );
    expect(plan.steps.map(({ id }) => id)).toEqual(['key', 'ct-a', 'ct-b', 'draft']);
    expect(JSON.stringify(plan.steps)).not.toContain('Shard}');
    expect(plan.steps.at(-1)).toMatchObject({ subject: { commonName: 'Root 2026 G1' } });
  });

  test('has a hash that depends on script and parameters', () => {
    expect(planHash(compile(BUILD))).toBe(planHash(compile(BUILD)));
    expect(planHash(compile(BUILD))).not.toBe(planHash(compile('')));
  });

  test('adopts instead of generating where the bindings name a key', () => {
    expect(compile('', { key: 'pkcs11:object=old' }).steps[0]).toMatchObject({
      kind: 'key.adopt',
      uri: 'pkcs11:object=old',
    });
  });

  test.each([
    [
      'a certificate that was not linted',
      `${BUILD}  - { id: cert, kind: x509.sign, say: s, of: draft, with: key, recovery: same-bytes }\n`,
    ],
    ['a reference to a later step', `  - { id: lint, kind: x509.lint, say: s, of: draft }\n${BUILD}`],
    ['a reference to a step of another kind', '  - { id: lint, kind: x509.lint, say: s, of: key }\n'],
    ['an undeclared token', '  - { id: see, kind: hsm.inventory, say: s, on: moon }\n'],
    ['two steps of one name', BUILD + BUILD],
    ['an unknown placeholder', BUILD.replace('{year}', '{moon}')],
  ])('is refused for %s', (_what, steps) => {
    expect(() => compile(steps)).toThrow(expect.objectContaining({ code: 'ceremony/plan' }));
  });

  test('is refused when the bindings adopt a key that no step makes', () => {
    expect(() => compile('', { moon: 'pkcs11:object=old' })).toThrow(
      expect.objectContaining({ code: 'ceremony/plan' }),
    );
  });

  test.each([
    ['an unknown key', '  - { id: see, kind: hsm.inventory, say: s, on: root, shell: ls }\n'],
    ['an unknown kind', '  - { id: see, kind: shell, say: s }\n'],
    [
      'an effect without a recovery rule',
      '  - { id: k2, kind: key.generate, say: s, on: root, label: k, algorithm: ed25519 }\n',
    ],
    [
      'a file name with a path',
      '  - { id: w, kind: artefact.write, say: s, of: x, as: tuf-file, to: ../x }\n',
    ],
  ])('is refused as a script for %s', (_what, steps) => {
    expect(() => compile(steps)).toThrow(expect.objectContaining({ code: 'ceremony/script' }));
  });
});
