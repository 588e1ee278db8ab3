/** From an account on the administrative socket to a certificate in a person's name, through the built appliance. */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { airseal, installation } from '../kit/index.js';
import { approveCode, Browser, choosePassword, wordsOf } from '../kit/person.mjs';
import { askForCertificate, claimsOf, Holder, signingRequest } from './signer.js';
import { post, trustedAuthority } from './wire.js';

const PASSWORD = 'four slow herons agree';
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const CALLBACK = 'http://localhost:39001/auth/callback';

interface Tokens {
  readonly id_token: string;
  readonly access_token: string;
}

describe('a person with a local account', () => {
  const { origin } = installation();
  const issuer = `${origin}/oidc`;
  const who = { email: `person-${randomBytes(4).toString('hex')}@corp.example`, password: PASSWORD };
  const browser = (): Browser => new Browser(trustedAuthority());

  const send = async (path: string, form: Record<string, string>): Promise<Record<string, string>> => {
    const answer = await post(origin, path, new URLSearchParams(form).toString(), FORM);
    return JSON.parse(answer.text) as Record<string, string>;
  };

  async function certificateFor(token: string): Promise<X509Certificate> {
    const holder = new Holder();
    const answer = await askForCertificate(signingRequest(holder, String(claimsOf(token)['sub']), token));
    expect(answer.status).toBe(200);
    const { signedCertificateEmbeddedSct } = JSON.parse(answer.text) as {
      signedCertificateEmbeddedSct: { chain: { certificates: string[] } };
    };
    return new X509Certificate(signedCertificateEmbeddedSct.chain.certificates[0] ?? '');
  }

  beforeAll(async () => {
    const { code, stdout } = await airseal('identity', 'add-person', who.email, '--output', 'json');
    expect(code).toBe(0);
    const { setPasswordUrl } = JSON.parse(stdout) as { setPasswordUrl: string };
    await choosePassword(browser(), setPasswordUrl, PASSWORD);
  });

  test('approves the code of a terminal, which gets a certificate with it', async () => {
    const code = await send('/oidc/device/auth', { client_id: 'sigstore', scope: 'openid email' });
    const page = await approveCode(browser(), code['verification_uri_complete'] ?? '', who);
    expect(wordsOf(page.text)).toContain('DO NOT TRUST Done');
    const tokens = (await send('/oidc/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_id: 'sigstore',
      device_code: code['device_code'] ?? '',
    })) as unknown as Tokens;
    for (const token of [tokens.id_token, tokens.access_token]) {
      expect((await certificateFor(token)).subjectAltName).toBe(`email:${who.email}`);
    }
  });

  test('signs in where a client opened the browser, which gets a certificate with the code', async () => {
    const verifier = randomBytes(32).toString('base64url');
    const own = browser();
    const asked = {
      client_id: 'sigstore',
      response_type: 'code',
      scope: 'openid email',
      redirect_uri: CALLBACK,
      state: 'a state',
      nonce: 'a nonce',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    };
    const signIn = await own.open(`${issuer}/auth?${new URLSearchParams(asked).toString()}`);
    const { searchParams } = new URL((await own.submit(signIn, who)).headers.location ?? '');
    expect(searchParams.get('state')).toBe('a state');
    const tokens = (await send('/oidc/token', {
      grant_type: 'authorization_code',
      client_id: 'sigstore',
      code: searchParams.get('code') ?? '',
      redirect_uri: CALLBACK,
      code_verifier: verifier,
    })) as unknown as Tokens;
    expect(claimsOf(tokens.id_token)).toMatchObject({ nonce: 'a nonce', email: who.email, email_verified: true });
    for (const token of [tokens.id_token, tokens.access_token]) {
      expect((await certificateFor(token)).subjectAltName).toBe(`email:${who.email}`);
    }
  });

  test('is listed, disabled, enabled, reset and removed from the command line', async () => {
    const listed = async (): Promise<string> =>
      (await airseal('identity', 'list', '--output', 'json')).stdout.split('\n').find((line) => line.includes(who.email)) ?? '';
    expect(JSON.parse(await listed())).toMatchObject({ kind: 'person', state: 'active' });
    expect(await airseal('identity', 'disable-person', who.email)).toMatchObject({ code: 0 });
    expect(JSON.parse(await listed())).toMatchObject({ state: 'disabled' });
    expect(await airseal('identity', 'disable-person', '--undo', who.email)).toMatchObject({ code: 0 });
    expect((await airseal('identity', 'reset-person', who.email)).stdout).toContain(`${issuer}/password?token=`);
    expect(JSON.parse(await listed())).toMatchObject({ state: 'no-password' });
    expect(await airseal('identity', 'remove', who.email)).toMatchObject({ code: 0 });
    expect(await listed()).toBe('');
    expect(await airseal('identity', 'remove', who.email)).toMatchObject({ code: 23 });
  });
});
