/** `airseal log adopt`: tells a replica that has never signed for a log where the others are. */
import { Fault } from '#core/fault';
import { loadSettings } from '#platform';
import { askAppliance } from '../admin.js';
import { print } from '../output.js';
import { settingsPath } from '../places.js';
import type { Flags } from '../verb.js';

export async function adoptHead([size = '', root = '']: string[], flags: Flags): Promise<void> {
  if (!/^(?:0|[1-9]\d{0,18})$/.test(size) || !/^[A-Za-z0-9+/]{43}=$/.test(root)) {
    throw new Fault(
      'malformed',
      'cli/head',
      'name a tree size in decimal and its root hash in base64, as the second and third line of a checkpoint have them',
    );
  }
  const { socket } = loadSettings(settingsPath(flags)).listen.admin;
  const answer = await askAppliance(socket, 'POST', '/admin/v1/logs/adopt', { size, root });
  const log = String(answer['log']);
  print(flags, { log, size, rootHash: root }, [
    `this host signs for ${log} now, and has begun its signing journal at ${size}`,
  ]);
}
