/**
 * The network as this process used it.
 *
 * "Offline" is a claim that users have learnt to doubt, so it is counted where sockets are born, and a verb
 * that promised to stay offline ends at the first attempt instead of making it.
 */
import { subscribe } from 'node:diagnostics_channel';

let connections = 0;
let forbidden = false;

subscribe('net.client.socket', () => {
  connections += 1;
  if (forbidden) {
    process.stderr.write('airseal: stopped: this verb works offline and something tried to connect\n');
    process.exit(22);
  }
});

/** From here on, an attempt to connect ends the process. */
export function stayOffline(): void {
  forbidden = true;
}

/** Connections attempted by this process so far. */
export function networkCalls(): number {
  return connections;
}
