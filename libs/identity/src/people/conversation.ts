/**
 * What is said between a person's browser and the issuer, around what the provider library says itself.
 *
 *   /device              enter or confirm the code of a terminal          (library; our pages)
 *   /auth                a client asks, through the browser               (library)
 *   /interaction/<uid>   who are you: e-mail address and password         (ours)
 *   /auth/<uid>, /device/<uid>   back to the client, or "done"            (library)
 *   /password?token=…    choose a password, by a link that works once     (ours)
 *
 * Against forged requests: the interaction is bound to the browser by a cookie that other sites cannot send with a
 * form (SameSite), the device form carries a secret of its session, and a form that names another origin is
 * refused. No session outlives its sign-in: there is nothing to steal, to log out of or to swap afterwards, and so
 * no secret of ours signs a cookie; each is a random name that is looked up.
 */
import type Koa from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { isFault } from '#core/fault';
import type { Accounts } from './accounts.js';
import { contentSecurityPolicy, type Pages } from './pages.js';
import { readForm } from './read-form.js';
import { CARRIED, PERSON_CLIENT_METADATA } from './sigstore-client.js';
import type { SignIn } from './sign-in.js';
import type { SignInFailures } from './sign-in-failures.js';

export interface ConversationPorts {
  readonly accounts: Accounts;
  readonly signIn: SignIn;
  readonly failures: SignInFailures;
  readonly pages: Pages;
}

export interface ConversationPlace {
  /** Path of the issuer: `/oidc`. */
  readonly path: string;
  readonly origin: string;
  /** The resource that access tokens are for. */
  readonly resource: string;
}

const SCOPE = 'openid email';
const CLIENT_NAME = PERSON_CLIENT_METADATA.client_name ?? '';

type Context = Koa.ParameterizedContext;

/** What the library hands over untyped, if it is text. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export class Conversation {
  readonly #ports: ConversationPorts;
  readonly #place: ConversationPlace;

  constructor(ports: ConversationPorts, place: ConversationPlace) {
    this.#ports = ports;
    this.#place = place;
  }

  /** Where the library sends a person who has to sign in. */
  interactionUrl(uid: string): string {
    return `${this.#place.path}/interaction/${uid}`;
  }

  /** Stands around everything that the provider does. */
  accompany(provider: Provider): void {
    provider.use(async (context, next) => {
      await this.#answer(provider, context, next);
      this.#carryCode(context);
      await this.#endSession(provider, context);
      if (context.response.is('html')) protect(context);
    });
    // cosign 2 asks again without a pause when it is told no interval.
    provider.on('device_authorization.success', (_context, body: { interval?: number }) => {
      body.interval = 5;
    });
  }

  async #answer(provider: Provider, context: Context, next: Koa.Next): Promise<void> {
    const { path } = this.#place;
    const within = context.path.startsWith(`${path}/`) ? context.path.slice(path.length) : '';
    const ours = within.startsWith('/interaction/') || within === '/password';
    if (!ours && within !== '/device') {
      await next();
      return;
    }
    if (context.method === 'POST' && !this.#sameOrigin(context)) {
      return this.#show(
        context,
        403,
        'Not from here',
        'This form was sent by another site. Nothing was done.',
      );
    }
    if (!ours) return this.#device(provider, context, next);
    try {
      if (within === '/password') return await this.#password(context);
      return await this.#interaction(provider, context, within.slice('/interaction/'.length));
    } catch (error) {
      if (!isFault(error)) throw error;
      const status = error.kind === 'unavailable' ? 503 : 400;
      if (error.retryAfterSeconds !== undefined) context.set('retry-after', String(error.retryAfterSeconds));
      return this.#show(context, status, 'That did not work', error.message);
    }
  }

  // -- signing in

  async #interaction(provider: Provider, context: Context, uid: string): Promise<void> {
    const { req, res } = context;
    const interaction = await provider.interactionDetails(req, res).catch(() => undefined);
    if (interaction?.uid !== uid) {
      return this.#show(
        context,
        400,
        'This sign-in has ended',
        'It was finished, was cancelled or took longer than ten minutes. Start again in your terminal.',
      );
    }
    const { pages, signIn } = this.#ports;
    const redirect = textOf(interaction.params['redirect_uri']);
    const say = (status: number, problem?: string, email?: string): void => {
      context.status = status;
      context.type = 'html';
      // Browsers hold the redirect that follows a form to the policy of the form's page.
      const client = redirect.startsWith('http://') ? [new URL(redirect).origin] : [];
      context.set('content-security-policy', contentSecurityPolicy(client));
      context.body = pages.signIn({ action: this.interactionUrl(uid), client: CLIENT_NAME, email, problem });
    };
    if (context.method !== 'POST') return say(200);

    const form = await readForm(context.req);
    if (form.get('abort') !== null) {
      const cancelled = { error: 'access_denied', error_description: 'the person cancelled' };
      return goTo(context, await provider.interactionResult(req, res, cancelled));
    }
    const email = form.get('email') ?? '';
    const password = form.get('password') ?? '';
    const outcome = await signIn.execute({ email, password, address: context.ip });
    switch (outcome.kind) {
      case 'refused':
        return say(401, 'E-mail address or password is not right.', email);
      case 'disabled':
        return say(403, 'This account is disabled. Ask your administrator.', email);
      case 'wait': {
        context.set('retry-after', String(Math.ceil(outcome.ms / 1000)));
        return say(429, `Too many attempts. Try again in ${inWords(outcome.ms)}.`, email);
      }
      case 'signed-in': {
        const clientId = String(interaction.params['client_id']);
        const grant = new provider.Grant({ accountId: outcome.accountId, clientId });
        grant.addOIDCScope(SCOPE);
        grant.addResourceScope(this.#place.resource, SCOPE);
        const result = {
          login: { accountId: outcome.accountId, remember: false, amr: ['pwd'] },
          consent: { grantId: await grant.save() },
        };
        return goTo(context, await provider.interactionResult(req, res, result));
      }
    }
  }

  // -- the code of a terminal

  async #device(provider: Provider, context: Context, next: Koa.Next): Promise<void> {
    // The library fails where a form comes without the session that it was made for.
    if (context.method === 'POST' && context.cookies.get(provider.cookieName('session')) === undefined) {
      return this.#show(
        context,
        400,
        'Start again',
        `${PAGE_TOO_OLD} Open the link from your terminal again.`,
      );
    }
    const waitMs = await this.#ports.failures.addressWaitMs(context.ip);
    const given = context.query['user_code'];
    if (waitMs > 0 && (context.method === 'POST' || given !== undefined)) {
      context.set('retry-after', String(Math.ceil(waitMs / 1000)));
      return this.#show(context, 429, 'Too many attempts', `Try again in ${inWords(waitMs)}.`);
    }
    if (context.method === 'GET' && typeof given === 'string') {
      // The library would post it by a script of its own; we ask the person instead.
      context.state['userCode'] = given;
      context.querystring = '';
    }
    await next();
  }

  /** The library asks for a code, after a first look or after `error`. */
  async enterCode(context: KoaContextWithOIDC, error?: Error): Promise<void> {
    context.type = 'html';
    if (error?.name === 'AbortedError') {
      context.body = this.#ports.pages.problem(
        'Cancelled',
        'Your terminal was told. You can close this page.',
      );
      return;
    }
    const given: unknown = context.state['userCode'];
    if (error === undefined && typeof given === 'string') return this.#showGivenCode(context, given);
    await this.#askForCode(context, error === undefined ? undefined : error.name);
  }

  /** The library asks whether the code is the person's own. */
  confirmCode(context: KoaContextWithOIDC, info: Readonly<Record<string, unknown>>, code: string): void {
    context.type = 'html';
    context.body = this.#ports.pages.confirmCode({
      action: `${this.#place.path}/device`,
      xsrf: secretOf(context),
      code,
      client: CLIENT_NAME,
      from: textOf(info['ip']),
      agent: textOf(info['ua']).slice(0, 200),
    });
  }

  /** The library cannot go on, and has nowhere to send the person. */
  problem(context: KoaContextWithOIDC, reason = 'the request was refused'): void {
    context.type = 'html';
    context.body = this.#ports.pages.problem('That did not work', `Start again in your terminal: ${reason}.`);
  }

  done(context: KoaContextWithOIDC): void {
    context.type = 'html';
    context.body = this.#ports.pages.done();
  }

  async #showGivenCode(context: KoaContextWithOIDC, given: string): Promise<void> {
    const normal = given.toUpperCase().replaceAll(/\W/g, '');
    const code = await context.oidc.provider.DeviceCode.findByUserCode(normal, { ignoreExpiration: true });
    if (code === undefined) return this.#askForCode(context, 'NotFoundError');
    if (code.isExpired) return this.#askForCode(context, 'ExpiredError');
    if (code.error !== undefined || code.accountId !== undefined || code.inFlight === true) {
      return this.#askForCode(context, 'AlreadyUsedError');
    }
    return this.confirmCode(context, code.deviceInfo ?? {}, normal.replace(/^(.{4})(.{4})$/, '$1-$2'));
  }

  async #askForCode(context: KoaContextWithOIDC, problem?: string): Promise<void> {
    if (problem === 'NotFoundError') await this.#ports.failures.guessed(context.ip);
    context.body = this.#ports.pages.enterCode({
      action: `${this.#place.path}/device`,
      xsrf: secretOf(context),
      problem:
        problem === undefined
          ? undefined
          : (CODE_PROBLEMS[problem] ?? `${PAGE_TOO_OLD} Enter the code again.`),
    });
  }

  // -- choosing a password

  async #password(context: Context): Promise<void> {
    const { accounts, failures, pages } = this.#ports;
    const form = context.method === 'POST' ? await readForm(context.req) : undefined;
    const token = form === undefined ? String(context.query['token'] ?? '') : (form.get('token') ?? '');
    const waitMs = await failures.addressWaitMs(context.ip);
    if (waitMs > 0) return this.#show(context, 429, 'Too many attempts', `Try again in ${inWords(waitMs)}.`);
    const account = await accounts.findByLink(token);
    if (account === undefined) {
      await failures.guessed(context.ip);
      const advice = 'It has been used or has expired. Ask your administrator for a new one.';
      return this.#show(context, 400, 'This link does not work', advice);
    }
    const ask = (problem?: string): void => {
      context.status = problem === undefined ? 200 : 400;
      context.type = 'html';
      const action = `${this.#place.path}/password`;
      context.body = pages.choosePassword({ action, token, email: account.email, problem });
    };
    if (form === undefined) return ask();
    const password = form.get('password') ?? '';
    if (password !== form.get('again')) return ask('The two passwords differ.');
    try {
      await accounts.setPassword(token, password);
    } catch (error) {
      if (isFault(error) && error.code === 'identity/password') return ask(error.message);
      throw error;
    }
    context.type = 'html';
    context.body = pages.passwordChosen();
  }

  // -- around the library's answers

  /** A redirect to nowhere becomes a page with the code, or with what went wrong. */
  #carryCode(context: Context): void {
    const location = locationOf(context);
    if (!location.startsWith(`${CARRIED}?`)) return;
    context.remove('location');
    context.status = 200;
    context.type = 'html';
    const answer = new URLSearchParams(location.slice(CARRIED.length + 1));
    const code = answer.get('code');
    context.body =
      code !== null
        ? this.#ports.pages.carryCode(code)
        : this.#ports.pages.problem(
            'No code',
            `Start again in your terminal: ${answer.get('error_description') ?? answer.get('error') ?? 'unknown error'}.`,
          );
  }

  async #endSession(provider: Provider, context: Context): Promise<void> {
    const { oidc } = context as unknown as Partial<KoaContextWithOIDC>;
    if (oidc?.route !== 'resume' && oidc?.route !== 'device_resume') return;
    if (locationOf(context).startsWith(this.interactionUrl(''))) return;
    const { session, entities } = oidc;
    if (session === undefined) return;
    await session.destroy();
    const forget = (name: 'session' | 'interaction', path: string): unknown =>
      context.cookies.set(provider.cookieName(name), null, { path, overwrite: true });
    forget('session', this.#place.path);
    if (entities.Interaction !== undefined) {
      forget('interaction', this.interactionUrl(entities.Interaction.uid));
    }
  }

  /** Browsers name the origin of every form; clients without a browser name none. */
  #sameOrigin(context: Context): boolean {
    const from = context.get('origin');
    return from === '' || from === this.#place.origin;
  }

  #show(context: Context, status: number, title: string, advice: string): void {
    context.status = status;
    context.type = 'html';
    context.body = this.#ports.pages.problem(title, advice);
  }
}

const CODE_PROBLEMS: Readonly<Record<string, string>> = {
  NoCodeError: 'Enter the code that your terminal shows.',
  NotFoundError: 'There is no such code. Compare it with your terminal.',
  ExpiredError: 'This code has expired. Start again in your terminal.',
  AlreadyUsedError: 'This code has been used. Start again in your terminal.',
};
const PAGE_TOO_OLD = 'The page was open for too long, or cookies are off.';

function secretOf(context: KoaContextWithOIDC): string {
  const secret = context.oidc.session?.state?.['secret'];
  return typeof secret === 'string' ? secret : '';
}

function locationOf({ response }: Context): string {
  return String(response.headers['location'] ?? '');
}

function goTo(context: Context, place: string): void {
  context.status = 303;
  context.redirect(place);
}

function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}

function protect(context: Context): void {
  if (context.response.headers['content-security-policy'] === undefined) {
    context.set('content-security-policy', contentSecurityPolicy());
  }
  context.set({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // Not `no-referrer`: it would also take the origin from our own forms.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
  });
}
