/**
 * The agent of one token on this host: the only process that loads its library and reads its PIN.
 *
 * It is started by the first process that needs the token, under a lock that only one agent can hold, and
 * leaves when nobody has been there for a while. It never restarts itself: who needs it starts another.
 */
import { rmSync } from 'node:fs';
import { logLine } from './log.js';
import { Pin } from './pin.js';
import { AgentServer } from './server.js';
import { agentSettings } from './settings.js';
import { Token } from './token.js';

const settings = agentSettings(process.argv.slice(2));
process.title = `airseal-hsm-agent ${settings.token.token ?? ''}`;

const pin = new Pin(settings.pinSource, `${settings.socket}.pin-refused`);
const token = new Token(settings.module, settings.token, pin, settings.sessions, logLine);
const server = new AgentServer(settings, token, logLine);

// We hold the lock, so a socket that is still here belongs to an agent that is not.
rmSync(settings.socket, { force: true });
await server.listen();
logLine('agent listening', { socket: settings.socket });
// The token is opened before anybody asks, so that the first signature does not wait for it.
token.open().catch(() => undefined);

const told = new Promise<void>((resolve) => {
  process.once('SIGTERM', resolve);
  process.once('SIGINT', resolve);
});
await Promise.race([server.deserted(), told]);
rmSync(settings.socket, { force: true });
await server.close();
logLine('agent ends');
process.exit(0);
