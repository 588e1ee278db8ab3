import { describe, expect, test } from '@jest/globals';
import { hostOf, parseInstance } from './instance.js';

const WHOLE = `
name: spec
organisation: Spec
mode: production
services:
  fulcio: https://ca.corp.test
  tsa: https://ca.corp.test/api/v1/timestamp
  tuf: https://ca.corp.test/tuf
  ct: [{ name: "2026", url: "https://ca.corp.test/ct/2026" }]
  rekorV1: { url: "https://log.corp.test", shards: [{ name: 2026-1 }] }
  rekorV2: [{ name: 2026-1, url: "https://log2026-1.corp.test" }]
`;

describe('instance.yaml', () => {
  test.each([
    ['a key twice', `${WHOLE}name: again\n`],
    ['two documents', `${WHOLE}---\n${WHOLE}`],
    ['an alias of nothing', 'name: *nothing'],
    ['aliases without end', 'a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: '.concat('[*c'.repeat(200))],
    ['an open bracket', '{'],
  ])('with %s is refused as malformed', (_what, text) => {
    expect(() => parseInstance(text)).toThrow(expect.objectContaining({ code: 'instance/malformed' }));
  });

  test('gives hosts of URLs, and refuses what is none', () => {
    expect(hostOf('https://log.corp.test:8443/x')).toBe('log.corp.test');
    expect(() => hostOf('log.corp.test')).toThrow(expect.objectContaining({ code: 'instance/url' }));
  });

  test('may say as-is about the subjects of an issuer', () => {
    const instance = parseInstance(`${WHOLE}subjectPrivacy: { "https://idp.corp.test": as-is }\n`);
    expect(instance.subjectPrivacy).toEqual({ 'https://idp.corp.test': 'as-is' });
  });

  // Genesis, `config check` and every start read the file through here.
  test('that asks for pseudonyms is refused by name, since nobody would make them', () => {
    const text = `${WHOLE}subjectPrivacy: { "https://a.test": as-is, "https://b.test": pseudonym }\n`;
    expect(() => parseInstance(text)).toThrow(
      expect.objectContaining({
        kind: 'refused',
        code: 'instance/subject-privacy',
        message: expect.stringMatching(/pseudonym for https:\/\/b\.test, but only as-is is available/),
      }),
    );
  });

  test.each([
    ['a key that nobody knows', `${WHOLE}colour: red\n`, 'colour'],
    [
      'a privacy that nobody knows',
      `${WHOLE}subjectPrivacy: { "https://a.test": hidden }\n`,
      'subjectPrivacy',
    ],
    [
      'a base URL with a slash at its end',
      WHOLE.replace('ca.corp.test\n', 'ca.corp.test/\n'),
      'trailing slash',
    ],
    ['plain HTTP', WHOLE.replace('tuf: https', 'tuf: http'), 'tuf'],
  ])('with %s is refused', (_what, text, hint) => {
    expect(() => parseInstance(text)).toThrow(hint);
  });
});
