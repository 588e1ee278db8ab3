/**
 * A person at the side of a client that waits for one: reads what the client prints, opens the link in a browser of
 * their own, and types back what the client asks for.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { approveCode, Browser, choosePassword } from '../kit/person.mjs';

/** An account on the fresh instance, with a password chosen by its link. */
export async function makePerson(site, cli) {
  const who = { email: 'person@airseal.example', password: 'nine calm otters whistle' };
  const { setPasswordUrl } = JSON.parse(await cli('identity', 'add-person', who.email, '--output', 'json'));
  await choosePassword(new Browser(readFileSync(site.ownAuthority)), setPasswordUrl, who.password);
  return who;
}

/** `person` signs in wherever the client says so; resolves with all that it printed. */
export function callWithPerson(command, args, { env, cwd }, site, person) {
  const browser = new Browser(readFileSync(site.ownAuthority));
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    const patience = setTimeout(() => child.kill(), 120_000);
    let printed = '';
    let helped = false;
    const fail = (error) => {
      child.kill();
      reject(error);
    };
    const help = async () => {
      const byCode = /https:\/\/\S+\/device\?user_code=[A-Z-]+(?=\s)/.exec(printed);
      const byLink = /https:\/\/\S+\/auth\?\S+(?=\s)/.exec(printed);
      if (helped || (byCode ?? byLink) === null) return;
      helped = true;
      if (byCode !== null) return void (await approveCode(browser, byCode[0], person));
      const page = await browser.submit(await browser.open(byLink[0]), person);
      const code = /class="code long">([\w-]+)</.exec(page.text)?.[1];
      if (code === undefined) throw new Error(`no code to carry over: ${page.text}`);
      child.stdin.write(`${code}\n`);
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (part) => {
        printed += String(part);
        help().catch(fail);
      });
    }
    child.on('error', fail);
    child.on('close', (code) => {
      clearTimeout(patience);
      if (code === 0) resolve(printed);
      else reject(new Error(`${command} ended with ${code}: ${printed}`));
    });
  });
}
