/** One pass, inside the namespace: the network, then an installation and its use, then what was counted, then a control. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { counters } from './counters.mjs';
import { onPath } from '../../apps/bootstrap/src/programs.mjs';
import { INTERRUPTED, useInstallation } from './use-installation.mjs';

const [pass = '', scratch = '', owner = ''] = process.argv.slice(2);
const say = (text) => process.stdout.write(`${text}\n`);
const report = join(scratch, 'report');

const python = onPath('python3') ?? 'python3';
const network = spawn(python, [join(import.meta.dirname, 'network.py'), report, pass], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
/** Some kernels have no IPv6: nothing can leave by it, nor be tried. */
const v6 = existsSync('/proc/net/snmp6');
const gone = once(network, 'exit').then(() => {
  throw new Error('the network of the namespace could not be made');
});
await Promise.race([once(network.stdout, 'data'), gone]);
gone.catch(() => undefined);

const told = () =>
  existsSync(report)
    ? readFileSync(report, 'utf8')
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];
const difference = (before, after) =>
  Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - before[name]]));

/** Sends on purpose, both ways and by name: resolves when the kernel has had time to count. */
async function attempt() {
  for (const [kind, address] of [['udp4', '192.0.2.1'], ...(v6 ? [['udp6', '2001:db8::1']] : [])]) {
    const socket = createSocket(kind);
    socket.on('error', () => undefined);
    await new Promise((done) => socket.send('out', 9, address, done));
    socket.close();
  }
  await new Promise((done) => {
    const socket = connect({ host: '192.0.2.2', port: 443 });
    socket.on('error', done);
    setTimeout(() => done(socket.destroy()), 500);
  });
  await lookup('log.outside.example').catch(() => undefined);
  await pause(300);
}

/**
 * A user is root in the namespace, which PostgreSQL refuses to run as, and there is nobody else to change to: a second
 * namespace makes them the user again, with no power over the network of the first.
 */
async function used() {
  if (owner === '') return await useInstallation((line) => say(`  ✓ ${line}`));
  const [uid = '', gid = ''] = owner.split(':');
  const words = [
    '-U',
    `--map-user=${uid}`,
    `--map-group=${gid}`,
    process.execPath,
    join(import.meta.dirname, 'use-as-user.mjs'),
  ];
  // Who is interrupted waits for the other, which removes what it made.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
  const [code] = await once(spawn('unshare', words, { stdio: 'inherit' }), 'exit');
  if (code === INTERRUPTED) process.exit(INTERRUPTED);
  if (code !== 0) throw new Error('the installation of a user could not be used');
}

let failed = false;
const fail = (what) => {
  say(`  ✗ ${what}`);
  failed = true;
};

say(`── ${pass}`);
const before = counters();
try {
  await used();
} catch (error) {
  fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
await pause(500);
const tried = difference(before, counters());
const left = told();
if (Object.values(tried).some((count) => count !== 0) || left.length > 0)
  fail(`something tried to leave: ${JSON.stringify(tried)} ${JSON.stringify(left.slice(0, 20))}`);
else say('  ✓ 0 packets tried to leave, 0 names were asked for');

const untouched = counters();
await attempt();
const control = difference(untouched, counters());
const counted =
  pass === 'no-route'
    ? control.withoutRoute4 >= 2 && control.withoutRoute6 >= (v6 ? 1 : 0)
    : control.outside >= (v6 ? 3 : 2);
const named = told().some(({ name }) => name === 'log.outside.example');
if (counted && named)
  say(
    `  ✓ control: what is sent on purpose is counted (${JSON.stringify(control)}), the name that was asked for is known`,
  );
else
  fail(
    `control: what was sent on purpose was not counted: ${JSON.stringify(control)}, ${JSON.stringify(told())}`,
  );

network.stdin.end();
process.exitCode = failed ? 1 : 0;
