/**
 * `npm run test:sealed`: once installed, nothing tries to leave.
 *
 * A whole installation (PostgreSQL, Redis, the token's agent, the appliance, the command line) is made and used in a
 * network namespace of its own, twice. Without any route but the loopback, the kernel counts what found none. With a
 * default route on an interface that leads nowhere, every packet is counted and named there. Names are answered by
 * nobody and written down in both. A control in each pass then sends on purpose: what it sends must be counted, or
 * the pass could not have failed.
 *
 * Root makes the namespace with `unshare`; a user through a user namespace, where the kernel lets users have one;
 * elsewhere both passes are skipped, by name. `--quick` is the same.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const say = (text) => process.stdout.write(`${text}\n`);
const inside = join(import.meta.dirname, 'inside.mjs');
const passes = ['no-route', 'default-route'];

/** How to enter: `undefined` where this kernel does not let us. */
function entrance() {
  const root = process.getuid?.() === 0;
  const flags = root ? ['-n', '-m'] : ['-U', '-r', '-n', '-m'];
  return spawnSync('unshare', [...flags, 'true']).status === 0 ? flags : undefined;
}

/** Who the installation belongs to, where that is not root. */
const owner = process.getuid?.() === 0 ? '' : `${process.getuid?.()}:${process.getgid?.()}`;
const flags = entrance();
let [passed, failed, skipped] = [0, 0, 0];
// Whoever is interrupted waits for the pass, which removes what it made.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
for (const pass of passes) {
  if (flags === undefined) {
    say(
      `- ${pass}: skipped: this kernel gives this user no network namespace (run it as root, or allow user namespaces)`,
    );
    skipped += 1;
    continue;
  }
  if (pass === 'default-route' && !existsSync('/dev/net/tun')) {
    say(`- ${pass}: skipped: there is no /dev/net/tun for an interface that leads nowhere`);
    skipped += 1;
    continue;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'airseal-sealed-'));
  writeFileSync(join(scratch, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
  // The mount is seen in this namespace alone.
  const enter = 'mount --bind "$1/resolv.conf" "$(readlink -f /etc/resolv.conf)" && shift && exec "$@"';
  const { status } = spawnSync(
    'unshare',
    [...flags, 'sh', '-c', enter, 'sh', scratch, process.execPath, inside, pass, scratch, owner],
    { stdio: 'inherit' },
  );
  rmSync(scratch, { recursive: true, force: true });
  if (status === 0) passed += 1;
  else failed += 1;
  if (status === 130) break;
}
say(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
