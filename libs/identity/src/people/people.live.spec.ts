/**
 * A person's way to a token, over the real server; fakes only the token that holds the issuer's key.
 *
 * Long because it is one way with many wrong turnings, each tried from the same place.
 */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '#platform';
import { type LiveIssuer, liveIssuer } from '../../../../test/kit/live-issuer.js';
import { approveCode, Browser, choosePassword, type Page, wordsOf } from '../../../../test/kit/person.mjs';
import { parseIssuersFile } from '../issuers-file.js';
import { ProveIdentity } from '../prove-identity.js';

const PASSWORD = 'seven wet badgers drum';
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const CALLBACK = 'http://localhost:43117/auth/callback';

describe('a person', () => {
  let live: LiveIssuer;
  let people = 0;

  beforeAll(async () => {
    live = await liveIssuer();
  });
  afterAll(() => live.close());

  const browser = (): Browser => new Browser(live.ca);

  async function account(): Promise<{ email: string; password: string; accountId: string }> {
    const email = `person${people++}@example.org`;
    const { token, accountId } = await live.accounts.create(email);
    await choosePassword(browser(), live.issuer.passwordLink(token), PASSWORD);
    return { email, password: PASSWORD, accountId };
  }

  /** As a command-line client posts: no cookies, no HTML. */
  async function post(path: string, form: Record<string, string>, headers: Record<string, string> = {}) {
    const { status, text } = await browser().open(`${live.url}${path}`, form, { accept: '*/*', ...headers });
    return { status, body: JSON.parse(text) as Record<string, string> };
  }

  const startDevice = async () =>
    (await post('/device/auth', { client_id: 'sigstore', scope: 'openid email' })).body;
  const poll = (code = '') =>
    post('/token', { grant_type: DEVICE_GRANT, client_id: 'sigstore', device_code: code });

  function challenge() {
    const verifier = randomBytes(32).toString('base64url');
    const digest = createHash('sha256').update(verifier).digest('base64url');
    return { verifier, asked: { code_challenge: digest, code_challenge_method: 'S256' } };
  }

  function authorization(asked: Record<string, string>): string {
    const client = {
      client_id: 'sigstore',
      response_type: 'code',
      scope: 'openid email',
      redirect_uri: CALLBACK,
    };
    return `${live.url}/auth?${new URLSearchParams({ ...client, state: 'st', nonce: 'no', ...asked }).toString()}`;
  }

  const claimsOf = (token = ''): Record<string, unknown> =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

  function prove(token = '') {
    const { url } = live;
    const issuers = parseIssuersFile(
      `oidc-issuers:\n  ${url}:\n    issuer-url: ${url}\n    client-id: sigstore\n    type: email\n`,
    );
    const ownKeys = new Map([[url, live.issuer.keys]]);
    return new ProveIdentity({ issuers, clock: systemClock, ownKeys }).execute(token);
  }

  const answerOf = (page: Page): URLSearchParams => new URL(page.headers.location ?? '').searchParams;

  describe('with the code of a terminal', () => {
    test('approves it, and the terminal gets tokens that become an identity', async () => {
      const { accountId, ...who } = await account();
      const code = await startDevice();
      expect(code).toMatchObject({ interval: 5, expires_in: 600, verification_uri: `${live.url}/device` });
      expect(await poll(code['device_code'])).toMatchObject({
        status: 400,
        body: { error: 'authorization_pending' },
      });

      const own = browser();
      const page = await approveCode(own, code['verification_uri_complete'] ?? '', who);
      expect(wordsOf(page.text)).toContain('EVALUATION: DO NOT TRUST Done');
      expect([...own.cookies.keys()]).toEqual([]);

      const { status, body } = await poll(code['device_code']);
      expect(status).toBe(200);
      expect(claimsOf(body['id_token'])).toMatchObject({
        iss: live.url,
        aud: 'sigstore',
        sub: accountId,
        email: who.email,
        email_verified: true,
      });
      for (const token of [body['id_token'], body['access_token']]) {
        const { iat, exp } = claimsOf(token);
        expect(Number(exp) - Number(iat)).toBeLessThanOrEqual(600);
        expect(await prove(token)).toMatchObject({ san: who.email, sanType: 'email', subject: accountId });
      }
    });

    test('gets tokens for it once', async () => {
      const who = await account();
      const code = await startDevice();
      await approveCode(browser(), code['verification_uri_complete'] ?? '', who);
      const answers = await Promise.all([poll(code['device_code']), poll(code['device_code'])]);
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 400]);
      expect(await poll(code['device_code'])).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
      const again = await browser().open(code['verification_uri_complete'] ?? '');
      expect(wordsOf(again.text)).toContain('There is no such code');
    });

    test('leaves nothing in the database that somebody else could exchange', async () => {
      const who = await account();
      const code = await startDevice();
      await approveCode(browser(), code['verification_uri_complete'] ?? '', who);
      const { rows } = await live.pool.query<{ id: string }>(
        `SELECT * FROM oidc_record WHERE model = 'DeviceCode'`,
      );
      expect(JSON.stringify(rows)).not.toContain(code['device_code']);
      for (const { id } of rows) {
        for (const name of [id, `#${id}`]) {
          expect(await poll(name)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
        }
      }
      expect(await poll(code['device_code'])).toMatchObject({ status: 200 });
    });

    test('cancels, and the terminal is told', async () => {
      const code = await startDevice();
      const own = browser();
      const page = await own.submit(await own.open(code['verification_uri_complete'] ?? ''), {
        abort: 'yes',
      });
      expect(wordsOf(page.text)).toContain('Cancelled');
      expect(await poll(code['device_code'])).toMatchObject({
        status: 400,
        body: { error: 'access_denied' },
      });
    });

    test('cancels at the password, and the terminal is told', async () => {
      const code = await startDevice();
      const own = browser();
      const signIn = await own.submit(await own.open(code['verification_uri_complete'] ?? ''), {
        confirm: 'yes',
      });
      expect(wordsOf((await own.submit(signIn, { abort: 'yes' })).text)).toContain('Cancelled');
      expect(await poll(code['device_code'])).toMatchObject({
        status: 400,
        body: { error: 'access_denied' },
      });
    });

    test('types it by hand; sees a wrong, an expired and a used one for what it is', async () => {
      const own = browser();
      const code = await startDevice();
      const wrong = await own.submit(await own.open(`${live.url}/device`), { user_code: 'BBBB-BBBB' });
      expect(wordsOf(wrong.text)).toContain('There is no such code');
      const right = await own.submit(wrong, { user_code: (code['user_code'] ?? '').toLowerCase() });
      expect(wordsOf(right.text)).toContain(`at this moment: ${code['user_code'] ?? ''}`);
      await own.submit(right, { confirm: 'yes' });
      const used = await browser().open(code['verification_uri_complete'] ?? '');
      expect(wordsOf(used.text)).toContain('This code has been used');

      const old = await startDevice();
      await live.pool.query(
        `UPDATE oidc_record SET payload = jsonb_set(payload, '{exp}', '1') WHERE model = 'DeviceCode' AND user_code = $1`,
        [(old['user_code'] ?? '').replace('-', '')],
      );
      const expired = await browser().open(old['verification_uri_complete'] ?? '');
      expect(wordsOf(expired.text)).toContain('This code has expired');
      expect(await poll(old['device_code'])).toMatchObject({ body: { error: 'expired_token' } });
    });

    test('is refused when the form came from another site, or without its cookies', async () => {
      const code = await startDevice();
      const own = browser();
      const page = await own.open(code['verification_uri_complete'] ?? '');
      const foreign = await own.open(
        `${live.url}/device`,
        { confirm: 'yes' },
        { origin: 'https://evil.example' },
      );
      expect(foreign.status).toBe(403);
      own.cookies.clear();
      expect(wordsOf((await own.submit(page, { confirm: 'yes' })).text)).toContain('open for too long');
      expect(await poll(code['device_code'])).toMatchObject({ body: { error: 'authorization_pending' } });
    });
  });

  describe('in a browser that a client opened', () => {
    test('comes back with a code, which its verifier turns into tokens once', async () => {
      const { accountId, ...who } = await account();
      const { verifier, asked } = challenge();
      const own = browser();
      const signIn = await own.open(authorization(asked));
      expect(signIn.headers['content-security-policy']).toContain(
        "form-action 'self' http://localhost:43117;",
      );
      const back = await own.submit(signIn, who);
      expect(back.headers.location).toMatch(/^http:\/\/localhost:43117\/auth\/callback\?/);
      expect(answerOf(back).get('state')).toBe('st');
      const code = answerOf(back).get('code') ?? '';

      const grant = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK };
      const stolen = await post('/token', {
        ...grant,
        client_id: 'sigstore',
        code_verifier: challenge().verifier,
      });
      expect(stolen).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      // As sigstore-python sends it: an empty secret in a header.
      const basic = { authorization: `Basic ${Buffer.from('sigstore:').toString('base64')}` };
      const { status, body } = await post('/token', { ...grant, code_verifier: verifier }, basic);
      expect(status).toBe(200);
      expect(claimsOf(body['id_token'])).toMatchObject({
        nonce: 'no',
        email: who.email,
        email_verified: true,
      });
      expect(await prove(body['access_token'])).toMatchObject({ san: who.email, subject: accountId });
      expect(
        await post('/token', { ...grant, client_id: 'sigstore', code_verifier: verifier }),
      ).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    });

    test.each([
      'http://localhost:1',
      'http://localhost:65535/auth/callback',
      'http://127.0.0.1:8080/Callback',
      'http://localhost/',
    ])('may be sent back to %s', async (redirect_uri) => {
      const page = await browser().open(authorization({ ...challenge().asked, redirect_uri }));
      expect(wordsOf(page.text)).toContain('Sign in');
    });

    test.each([
      'https://evil.example/auth/callback',
      'http://localhost.evil.example/auth/callback',
      'http://localhost:1/elsewhere',
      'http://localhost:80@evil.example/auth/callback',
      'javascript:alert(1)',
    ])('is never sent to %s', async (redirect_uri) => {
      const page = await browser().open(authorization({ ...challenge().asked, redirect_uri }));
      expect(page.status).toBe(400);
      expect(page.headers.location).toBeUndefined();
      expect(page.text).not.toContain('alert(1)');
    });

    test('is not asked by a client without a challenge', async () => {
      const page = await browser().open(authorization({}));
      expect(answerOf(page).get('error')).toBe('invalid_request');
    });

    test('carries the code over where there is no way back', async () => {
      const who = await account();
      const { verifier, asked } = challenge();
      const own = browser();
      const redirect_uri = 'urn:ietf:wg:oauth:2.0:oob';
      const page = await own.submit(await own.open(authorization({ ...asked, redirect_uri })), who);
      const [, code = ''] = /class="code long">([\w-]+)</.exec(page.text) ?? [];
      const form = {
        grant_type: 'authorization_code',
        client_id: 'sigstore',
        code,
        redirect_uri,
        code_verifier: verifier,
      };
      expect(await post('/token', form)).toMatchObject({ status: 200 });
    });

    test('is asked again each time, and another person may be next', async () => {
      const [first, second] = [await account(), await account()];
      const own = browser();
      for (const who of [first, second]) {
        const page = await own.open(authorization(challenge().asked));
        expect(wordsOf(page.text)).toContain('Sign in');
        expect(answerOf(await own.submit(page, who)).get('code')).toMatch(/^[\w-]{43}$/);
      }
    });

    test('cannot go on in another browser, nor with another interaction', async () => {
      const who = await account();
      const own = browser();
      const page = await own.open(authorization(challenge().asked));
      const elsewhere = await browser().submit(page, who);
      expect(elsewhere.status).toBe(400);
      expect(wordsOf(elsewhere.text)).toContain('This sign-in has ended');
      const foreign = await own.open(page.url, who, { origin: 'https://evil.example' });
      expect(foreign.status).toBe(403);
      const resumed = await own.open(page.url.replace('/interaction/', '/auth/'));
      expect(resumed.headers.location ?? '').not.toContain('code=');
    });
  });

  describe('who gets the password wrong', () => {
    const tryWith = async (email: string, password: string): Promise<Page> => {
      const own = browser();
      return own.submit(await own.open(authorization(challenge().asked)), { email, password });
    };
    const count = async (outcome: string): Promise<string | undefined> =>
      new RegExp(`^airseal_identity_sign_ins_total{outcome="${outcome}"} (\\d+)`, 'm').exec(
        await live.metrics.format(),
      )?.[1];

    test('hears the same with and without an account, and then has to wait', async () => {
      const { email } = await account();
      const same = (page: Page, who: string): string =>
        page.text.replaceAll(who, 'WHO').replaceAll(/interaction\/[\w-]+/g, '');
      for (let attempt = 0; attempt < 7; attempt++) {
        const [known, unknown] = [
          await tryWith(email, `wrong ${attempt}`),
          await tryWith('nobody@example.org', 'wrong'),
        ];
        expect(known.status).toBe(attempt < 5 ? 401 : 429);
        expect(unknown.status).toBe(known.status);
        expect(same(unknown, 'nobody@example.org')).toBe(same(known, email));
        expect(known.text).not.toContain(`wrong ${attempt}`);
      }
      const locked = await tryWith(email, PASSWORD);
      expect(wordsOf(locked.text)).toContain('Too many attempts. Try again in 30 seconds.');
      expect(locked.headers['retry-after']).toBe('30');
      expect((await live.accounts.list()).find((one) => one.email === email)?.lockedUntil).not.toBeNull();
      expect(Number(await count('blocked'))).toBeGreaterThanOrEqual(5);
      expect(Number(await count('refused'))).toBeGreaterThanOrEqual(10);

      live.clock.advance(30_000);
      expect((await tryWith(email, 'wrong again')).status).toBe(401);
      expect((await tryWith(email, PASSWORD)).headers['retry-after']).toBe('60');
      live.clock.advance(60_000);
      expect(answerOf(await tryWith(email.toUpperCase(), PASSWORD)).get('code')).not.toBeNull();
      expect((await tryWith(email, 'wrong')).status).toBe(401);
    });

    test('gets no more guesses by asking many times at once', async () => {
      const { email } = await account();
      const pages = await Promise.all(Array.from({ length: 12 }, (_, at) => tryWith(email, `wrong ${at}`)));
      expect(pages.filter(({ status }) => status === 401)).toHaveLength(5);
    });

    test('is heard from an address only so often', async () => {
      for (let guess = 0; guess < 60; guess++) await live.failures.guessed('192.0.2.1');
      expect(await live.failures.begin('anybody@example.org', '192.0.2.1')).toBeGreaterThan(0);
      expect(await live.failures.begin('anybody@example.org', '192.0.2.2')).toMatchObject({
        address: '192.0.2.2',
      });
      live.clock.advance(2 * 86_400_000);
      expect(await live.failures.sweep()).toBeGreaterThan(0);
    });
  });

  describe('whose account', () => {
    test('is disabled is told so once the password is right, and gets no token for an approved code', async () => {
      const { email, password } = await account();
      const code = await startDevice();
      await approveCode(browser(), code['verification_uri_complete'] ?? '', { email, password });
      await live.accounts.disable(email);
      expect(await poll(code['device_code'])).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });

      const own = browser();
      const page = await own.open(authorization(challenge().asked));
      const wrong = await own.submit(page, { email, password: 'not the right one' });
      expect(wordsOf(wrong.text)).toContain('not right');
      const right = await own.submit(wrong, { email, password });
      expect(right.status).toBe(403);
      expect(wordsOf(right.text)).toContain('This account is disabled');
      await live.accounts.enable(email);
      expect(answerOf(await own.submit(right, { email, password })).get('code')).not.toBeNull();
    });

    test('is removed is nobody, and its address may get another account with another subject', async () => {
      const { email, accountId } = await account();
      await live.accounts.remove(email);
      await expect(live.accounts.reset(email)).rejects.toMatchObject({ code: 'identity/account-absent' });
      expect((await live.accounts.create(email)).accountId).not.toBe(accountId);
      await expect(live.accounts.create(email.toUpperCase())).rejects.toMatchObject({
        code: 'identity/account-exists',
      });
      await expect(live.accounts.create('no address')).rejects.toMatchObject({ code: 'identity/account' });
    });

    test('has a password that only its person knows, set by a link that works once and for a day', async () => {
      const { token } = await live.accounts.create('link@example.org');
      const link = live.issuer.passwordLink(token);
      const own = browser();
      const page = await own.open(link);
      const short = await own.submit(page, { password: 'short', again: 'short' });
      expect(wordsOf(short.text)).toContain('Use at least 15 characters');
      const differing = await own.submit(page, { password: PASSWORD, again: 'else' });
      expect(wordsOf(differing.text)).toContain('differ');
      expect(wordsOf((await own.submit(page, { password: PASSWORD, again: PASSWORD })).text)).toContain(
        'Password set',
      );
      expect(wordsOf((await own.open(link)).text)).toContain('This link does not work');
      expect((await own.submit(page, { password: PASSWORD, again: PASSWORD })).status).toBe(400);

      const second = await live.accounts.reset('link@example.org');
      live.clock.advance(86_400_000);
      expect((await own.open(live.issuer.passwordLink(second.token))).status).toBe(400);
      const { rows } = await live.pool.query('SELECT * FROM oidc_account');
      for (const secret of [token, second.token, PASSWORD])
        expect(JSON.stringify(rows)).not.toContain(secret);
    });
  });

  test('has a life that the audit trail tells, without a secret', async () => {
    const email = 'audited@example.org';
    const { token, accountId } = await live.accounts.create(email);
    await live.accounts.setPassword(token, PASSWORD);
    await expect(live.accounts.setPassword(token, PASSWORD)).rejects.toMatchObject({
      code: 'identity/link-spent',
    });
    await live.accounts.disable(email);
    await live.accounts.enable('Audited@example.org');
    const { token: second } = await live.accounts.reset(email);
    await live.accounts.remove(email);
    await expect(live.accounts.disable(email)).rejects.toMatchObject({ code: 'identity/account-absent' });

    const { rows } = await live.pool.query<{ body: Buffer }>(
      `SELECT body FROM audit_outbox WHERE position($1::bytea IN body) > 0 ORDER BY seq`,
      [Buffer.from(accountId)],
    );
    const events = rows.map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);
    expect(events.map(({ code }) => code)).toEqual([
      'user.created',
      'user.password.set',
      'user.disabled',
      'user.enabled',
      'user.password.reset',
      'user.deleted',
    ]);
    for (const event of events) expect(event['resource']).toEqual({ type: 'account', id: accountId, email });
    for (const secret of [token, second, PASSWORD]) expect(JSON.stringify(events)).not.toContain(secret);
  });

  test('sees pages without scripts, frames or anything from elsewhere, that nobody stores', async () => {
    const own = browser();
    const code = await startDevice();
    const confirm = await own.open(code['verification_uri_complete'] ?? '');
    const pages = [
      await own.open(`${live.url}/device`),
      confirm,
      await own.submit(await own.open(code['verification_uri_complete'] ?? ''), { confirm: 'yes' }),
      await own.open(`${live.url}/auth?client_id=<script>alert(1)</script>`),
      await own.open(`${live.url}/password?token=x`),
    ];
    for (const { headers, text } of pages) {
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(text) ?? [];
      const hash = createHash('sha256').update(style).digest('base64');
      expect(headers['content-security-policy']).toBe(
        `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
      );
      expect(headers['cache-control']).toBe('no-store');
      expect(text).not.toMatch(/<script|src=|http:|https:|\son\w+=/);
      expect(text).toContain('EVALUATION: DO NOT TRUST');
      expect(text).toContain('<html lang="en">');
    }
  });

  test('has cookies that scripts, other sites and plain HTTP never see', async () => {
    const { headers } = await browser().open(`${live.url}/device`);
    expect(headers['set-cookie']).not.toHaveLength(0);
    for (const cookie of headers['set-cookie'] ?? []) {
      expect(cookie).toMatch(/; path=\/oidc;/);
      expect(cookie).toMatch(/; samesite=lax; secure; httponly/i);
    }
  });
});
