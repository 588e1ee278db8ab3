/**
 * A TPM in software with a PKCS#11 token on it: a second kind of token, with other habits than SoftHSM's.
 *
 * Four processes of its own, in a directory of its own: swtpm, the resource manager without which the TPM
 * is soon out of memory, a private message bus between the two, and nobody else's. Debian:
 *
 *   apt-get install -y --no-install-recommends swtpm tpm2-tools libtpm2-pkcs11-1 libtpm2-pkcs11-tools \
 *     libtss2-tcti-swtpm0 tpm2-abrmd libtss2-tcti-tabrmd0 dbus-daemon
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TokenSettings } from '../kit.js';

const NEEDED = ['/usr/bin/swtpm', '/usr/bin/tpm2_ptool', '/usr/sbin/tpm2-abrmd', '/usr/bin/dbus-daemon'];
const MODULES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (triple) => `/usr/lib/${triple}/libtpm2_pkcs11.so.1`,
);

export interface SoftTpm {
  readonly settings: TokenSettings;
  stop(): Promise<void>;
}

/** Whether the packages are there; where they are not, say so instead of passing. */
export function softTpmInstalled(): boolean {
  return [...NEEDED, MODULES.find((path) => existsSync(path)) ?? MODULES.join(' or ')].every((path) =>
    existsSync(path),
  );
}

export async function startSoftTpm(label: string): Promise<SoftTpm> {
  const directory = mkdtempSync(join(tmpdir(), 'tpm-'));
  const at = (name: string): string => join(directory, name);
  for (const name of ['state', 'store']) mkdirSync(at(name));
  writeFileSync(at('pin'), '1234567890\n', { mode: 0o600 });
  writeFileSync(
    at('bus.conf'),
    `<busconfig><type>session</type><listen>unix:path=${at('bus.sock')}</listen>
     <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
  );
  const environment = {
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${at('bus.sock')}`,
    TPM2TOOLS_TCTI: 'tabrmd:bus_type=session',
    TPM2_PKCS11_TCTI: 'tabrmd:bus_type=session',
    TPM2_PKCS11_STORE: at('store'),
    TPM2_PKCS11_BACKEND: 'esysdb',
  };
  const started: ChildProcess[] = [];
  const run = (program: string, args: readonly string[]): void => {
    started.push(
      spawn(program, args, { env: { PATH: '/usr/sbin:/usr/bin:/bin', ...environment }, stdio: 'ignore' }),
    );
  };
  const stop = async (): Promise<void> => {
    for (const child of started.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, 'exit');
    }
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    run('dbus-daemon', [`--config-file=${at('bus.conf')}`, '--nofork']);
    run('swtpm', [
      ...['socket', '--tpm2', '--tpmstate', `dir=${at('state')}`],
      ...[
        '--server',
        `type=unixio,path=${at('tpm.sock')}`,
        '--ctrl',
        `type=unixio,path=${at('tpm.sock.ctrl')}`,
      ],
      ...['--flags', 'not-need-init,startup-clear'],
    ]);
    await there(at('bus.sock'), at('tpm.sock'), at('tpm.sock.ctrl'));
    const root = process.getuid?.() === 0 ? ['--allow-root'] : [];
    run('tpm2-abrmd', ['--session', ...root, `--tcti=swtpm:path=${at('tpm.sock')}`]);
    await answering(() => {
      execFileSync('tpm2_ptool', ['init'], {
        env: { PATH: '/usr/bin:/bin', ...environment },
        stdio: 'pipe',
        timeout: 10_000,
      });
    });
    const words = ['addtoken', '--pid=1', '--sopin=12345678', '--userpin=1234567890', `--label=${label}`];
    execFileSync('tpm2_ptool', words, { env: { PATH: '/usr/bin:/bin', ...environment }, stdio: 'pipe' });
  } catch (error) {
    await stop();
    throw error;
  }
  const module = MODULES.find((path) => existsSync(path)) ?? '';
  return { settings: { module, uri: `pkcs11:token=${label}`, pinSource: at('pin'), environment }, stop };
}

async function there(...paths: readonly string[]): Promise<void> {
  for (let waited = 0; !paths.every((path) => existsSync(path)); waited += 20) {
    if (waited > 10_000) throw new Error(`not there after ten seconds: ${paths.join(', ')}`);
    await sleep(20);
  }
}

/** The resource manager has no sign of its own that it is ready. */
async function answering(attempt: () => void): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      attempt();
      return;
    } catch (error) {
      if (tries === 20) throw error;
      await sleep(250);
    }
  }
}
