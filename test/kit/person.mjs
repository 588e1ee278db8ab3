/**
 * A person with a browser: keeps cookies, follows redirects within the issuer, fills in forms as they stand on the page.
 *
 * Plain Node, for specs, journeys and the run with real clients alike.
 */
import { request } from 'node:https';

/** @type {Readonly<Record<string, string>>} */
const ENTITIES = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
/** @param {string} text */
const readable = (text) => text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity);

/**
 * @typedef {{ status: number, url: string, headers: import('node:http').IncomingHttpHeaders, text: string }} Page
 */

export class Browser {
  #ca;
  /** @type {Map<string, { value: string, path: string }>} */
  #cookies = new Map();

  /** @param {string | Buffer} ca PEM of the authority of the site */
  constructor(ca) {
    this.#ca = ca;
  }

  get cookies() {
    return this.#cookies;
  }

  /**
   * Opens a page; redirects are followed while they stay on its origin.
   *
   * @param {string} url
   * @param {Record<string, string>} [form] posted if given
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Page>}
   */
  async open(url, form, headers = {}) {
    let page = await this.#once(url, form, headers);
    for (let hops = 0; hops < 10 && page.headers.location !== undefined; hops++) {
      const next = new URL(page.headers.location, page.url);
      if (next.origin !== new URL(page.url).origin) return page;
      page = await this.#once(next.href);
    }
    return page;
  }

  /**
   * Sends the form of a page: its hidden fields as they are, the others as given.
   *
   * @param {Page} page
   * @param {Record<string, string>} fields
   */
  submit(page, fields) {
    const action = /<form method="post" action="([^"]*)"/.exec(page.text)?.[1];
    if (action === undefined) throw new Error(`no form on ${page.url}: ${page.text.slice(0, 600)}`);
    const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]*)"[^>]*? value="([^"]*)"/g)];
    const form = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, readable(value)]));
    return this.open(new URL(readable(action), page.url).href, { ...form, ...fields }, { origin: new URL(page.url).origin });
  }

  /**
   * @param {string} url
   * @param {Record<string, string>} [form]
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Page>}
   */
  #once(url, form, headers = {}) {
    const { pathname } = new URL(url);
    const cookie = [...this.#cookies]
      .filter(([, { path }]) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ');
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    return new Promise((resolve, reject) => {
      const outgoing = request(
        url,
        {
          ca: this.#ca,
          agent: false,
          method: body === undefined ? 'GET' : 'POST',
          headers: {
            accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
            ...(cookie === '' ? {} : { cookie }),
            ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
            ...headers,
          },
        },
        (response) => {
          for (const line of response.headers['set-cookie'] ?? []) this.#keep(line);
          let text = '';
          response.on('data', (part) => (text += String(part)));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, url, headers: response.headers, text }));
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** @param {string} line */
  #keep(line) {
    const [pair = '', ...attributes] = line.split(/; */);
    const [name = '', value = ''] = pair.split('=');
    const path = attributes.find((text) => /^path=/i.test(text))?.slice(5) ?? '/';
    if (value === '' || attributes.some((text) => /expires=Thu, 01 Jan 1970/i.test(text))) this.#cookies.delete(name);
    else this.#cookies.set(name, { value, path });
  }
}

/** What a page says, without its markup. @param {string} html */
export function wordsOf(html) {
  const [, body = html] = /<body>([\s\S]*)<\/body>/.exec(html) ?? [];
  return readable(body.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')).trim();
}

/**
 * Follows the link from the administrator and chooses a password.
 *
 * @param {Browser} browser
 * @param {string} link
 * @param {string} password
 */
export async function choosePassword(browser, link, password) {
  const page = await browser.submit(await browser.open(link), { password, again: password });
  if (page.status !== 200) throw new Error(`the password was not taken: ${wordsOf(page.text)}`);
}

/**
 * Approves the code of a terminal, as the person with this account.
 *
 * @param {Browser} browser
 * @param {string} verificationUri with the code in it
 * @param {{ email: string, password: string }} account
 * @returns {Promise<Page>} the last page
 */
export async function approveCode(browser, verificationUri, { email, password }) {
  const confirm = await browser.open(verificationUri);
  const signIn = await browser.submit(confirm, { confirm: 'yes' });
  return browser.submit(signIn, { email, password });
}
