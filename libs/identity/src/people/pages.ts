/**
 * The pages that a person sees on the way to a token: plain documents with forms, which work without scripts, without
 * anything from elsewhere, by keyboard and aloud.
 *
 * Each says what will happen and on whose behalf, because a person who is asked to approve a stranger's code is the
 * one weakness of the device flow (RFC 8628 §5.4).
 */
import { sha256 } from '#core/crypto';
import { fromUtf8, toBase64 } from '#core/octets';
import { SHORTEST_PASSWORD } from './accept-password.js';
import { Html, html } from './html.js';

const STYLE = `
:root{color-scheme:light dark;--edge:#5b6470;--deed:#0b5cad;--on-deed:#fff;--wrong:#a11222}
@media (prefers-color-scheme:dark){:root{--edge:#9aa4b0;--deed:#8fc1ff;--on-deed:#101418;--wrong:#ff9b9b}}
body{font:1.0625rem/1.5 system-ui,sans-serif;margin:0;padding:0 1rem}
main{max-width:26rem;margin:3rem auto}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
.banner{background:#7a0014;color:#fff;font-weight:700;text-align:center;margin:0 -1rem;padding:.5rem 1rem}
label{display:block;font-weight:600;margin:1rem 0 .25rem}
input{box-sizing:border-box;width:100%;font:inherit;padding:.5rem;border:1px solid var(--edge);border-radius:.25rem}
button{font:inherit;font-weight:600;padding:.5rem 1.25rem;margin:1.25rem .75rem 0 0;border:2px solid var(--deed);border-radius:.25rem;background:var(--deed);color:var(--on-deed);cursor:pointer}
button.quiet{background:none;color:var(--deed)}
:focus-visible{outline:3px solid var(--deed);outline-offset:2px}
.problem{border-left:.25rem solid var(--wrong);color:var(--wrong);padding-left:.75rem}
.code{font:700 1.75rem/1.2 ui-monospace,monospace;letter-spacing:.1em;overflow-wrap:anywhere;user-select:all}
.code.long{font-size:1rem;letter-spacing:0}
dt{font-weight:600}dd{margin:0 0 .5rem;overflow-wrap:anywhere}
.hint{color:var(--edge);margin:.25rem 0 0;font-size:.9375rem}
`;

/** Not escaped: ours from the first letter to the last, and the policy allows exactly these octets. */
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);
const STYLE_HASH = toBase64(sha256(fromUtf8(STYLE)));

/**
 * @param formTargets origins beside our own to which a form may lead: browsers hold redirects after a form to this
 */
export function contentSecurityPolicy(formTargets: readonly string[] = []): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${STYLE_HASH}'`,
    ['form-action', "'self'", ...formTargets].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

export type Mode = 'production' | 'rehearsal' | 'evaluation';

const BANNERS: Readonly<Record<Mode, string | undefined>> = {
  production: undefined,
  rehearsal: 'REHEARSAL: DO NOT TRUST',
  evaluation: 'EVALUATION: DO NOT TRUST',
};

function problemLine(problem: string | undefined): Html | false {
  return problem === undefined ? false : html`<p class="problem" role="alert">${problem}</p>`;
}

export class Pages {
  readonly #mode: Mode;

  constructor(mode: Mode) {
    this.#mode = mode;
  }

  signIn(on: {
    readonly action: string;
    readonly client: string;
    readonly email?: string | undefined;
    readonly problem?: string | undefined;
  }): string {
    return this.#frame(
      'Sign in',
      html`<p>
          <strong>${on.client}</strong> asks for a token that says who you are. With it, it can sign in your
          name for the next ten minutes, and your e-mail address will stand in a log that never forgets.
        </p>
        ${problemLine(on.problem)}
        <form method="post" action="${on.action}">
          <label for="email">E-mail address</label>
          <input
            id="email"
            name="email"
            type="email"
            autocomplete="username"
            value="${on.email}"
            required${on.email === undefined && html` autofocus`}
          />
          <label for="password">Password</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required${on.email !== undefined && html` autofocus`}
          />
          <button type="submit">Sign in</button>
          <button type="submit" name="abort" value="yes" class="quiet" formnovalidate>Cancel</button>
        </form>`,
      on.problem,
    );
  }

  enterCode(on: {
    readonly action: string;
    readonly xsrf: string;
    readonly problem?: string | undefined;
  }): string {
    return this.#frame(
      'Enter the code from your terminal',
      html`${problemLine(on.problem)}
        <form method="post" action="${on.action}">
          <input type="hidden" name="xsrf" value="${on.xsrf}" />
          <label for="user_code">Code</label>
          <input
            id="user_code"
            name="user_code"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck="false"
            placeholder="ABCD-EFGH"
            required
            autofocus
          />
          <button type="submit">Continue</button>
        </form>`,
      on.problem,
    );
  }

  confirmCode(on: {
    readonly action: string;
    readonly xsrf: string;
    readonly code: string;
    readonly client: string;
    readonly from: string;
    readonly agent: string;
  }): string {
    return this.#frame(
      'Is this your code?',
      html`<p>Your own terminal must show this code at this moment:</p>
        <p class="code">${on.code}</p>
        <dl>
          <dt>Asked for by</dt>
          <dd>${on.client}</dd>
          <dt>From</dt>
          <dd>${on.from === '' ? 'unknown' : on.from}</dd>
          <dt>Which calls itself</dt>
          <dd>${on.agent === '' ? 'nothing' : on.agent}</dd>
        </dl>
        <p>If somebody sent you this code or a link to this page, cancel: they would sign in your name.</p>
        <form method="post" action="${on.action}">
          <input type="hidden" name="xsrf" value="${on.xsrf}" />
          <input type="hidden" name="user_code" value="${on.code}" />
          <button type="submit" name="confirm" value="yes">It is mine, continue</button>
          <button type="submit" name="abort" value="yes" class="quiet">Cancel</button>
        </form>`,
    );
  }

  done(): string {
    return this.#frame(
      'Done',
      html`<p>Your terminal goes on by itself within a few seconds. You can close this page.</p>`,
    );
  }

  /** For clients that cannot be reached by a redirect: the person carries the code over. */
  carryCode(code: string): string {
    return this.#frame(
      'Copy this code into your terminal',
      html`<p class="code long">${code}</p>
        <p>It works once and for one minute. Give it to nobody.</p>`,
    );
  }

  choosePassword(on: {
    readonly action: string;
    readonly token: string;
    readonly email: string;
    readonly problem?: string | undefined;
  }): string {
    return this.#frame(
      'Choose a password',
      html`<p>For the account <strong>${on.email}</strong>.</p>
        ${problemLine(on.problem)}
        <form method="post" action="${on.action}">
          <input type="hidden" name="token" value="${on.token}" />
          <label for="email">Account</label>
          <input id="email" type="email" autocomplete="username" value="${on.email}" readonly />
          <label for="password">Password</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="new-password"
            minlength="${SHORTEST_PASSWORD}"
            aria-describedby="rule"
            required
            autofocus
          />
          <p class="hint" id="rule">
            At least ${SHORTEST_PASSWORD} characters. A few words with spaces are fine.
          </p>
          <label for="again">The same again</label>
          <input id="again" name="again" type="password" autocomplete="new-password" required />
          <button type="submit">Set password</button>
        </form>`,
      on.problem,
    );
  }

  passwordChosen(): string {
    return this.#frame(
      'Password set',
      html`<p>You can sign in with it from now on. This link no longer works; you can close this page.</p>`,
    );
  }

  /** The end of the road: what is wrong, and what to do about it. */
  problem(title: string, advice: string): string {
    return this.#frame(title, html`<p class="problem" role="alert">${advice}</p>`);
  }

  #frame(title: string, content: Html, problem?: string): string {
    const banner = BANNERS[this.#mode];
    return html`<!DOCTYPE html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>${problem !== undefined && 'Problem: '}${title} – Airseal</title>
          ${STYLE_ELEMENT}
        </head>
        <body>
          ${banner !== undefined && html`<p class="banner">${banner}</p>`}
          <main>
            <h1>${title}</h1>
            ${content}
          </main>
        </body>
      </html> `.toString();
  }
}
