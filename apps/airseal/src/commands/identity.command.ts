/** `airseal identity add | token`: machines of the built-in issuer. */
import { openSync, writeSync, closeSync, fsyncSync } from 'node:fs';
import { Fault } from '#core/fault';
import { loadSettings } from '#platform';
import { askAppliance } from '../admin.js';
import { fetchToken, readCredentials } from '../identity-token.js';
import { trustAuthorities } from '../tls-authorities.js';
import { print } from '../output.js';
import { caFilePath, requiredFlag, settingsPath } from '../places.js';
import type { Flags } from '../program.js';

/** Writes a secret to a new 0600 file; an existing file is never overwritten. */
function writeSecret(path: string, text: string, mayReplace: boolean): void {
  let file: number;
  try {
    file = openSync(path, mayReplace ? 'w' : 'wx', 0o600);
  } catch (cause) {
    throw new Fault(
      'conflict',
      'cli/file-exists',
      `cannot create ${path}; remove it first if it may be replaced`,
      { cause },
    );
  }
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export async function addIdentity([email = '']: string[], flags: Flags): Promise<void> {
  const path = requiredFlag(flags, 'credentials', '--credentials');
  const settings = loadSettings(settingsPath(flags));
  const machine = await askAppliance(settings.listen.admin.socket, 'POST', '/admin/v1/machine-identities', {
    name: email,
    email,
  });
  writeSecret(
    path,
    `${JSON.stringify({
      tokenEndpoint: machine['tokenEndpoint'],
      clientId: machine['clientId'],
      clientSecret: machine['clientSecret'],
    })}\n`,
    false,
  );
  print(flags, { email, clientId: String(machine['clientId']), credentials: path }, [
    `registered ${email} as ${String(machine['clientId'])}`,
    `credentials written to ${path} (readable by you alone); the appliance keeps only a hash`,
  ]);
}

export async function writeToken(_operands: string[], flags: Flags): Promise<void> {
  const caFile = caFilePath(flags);
  if (caFile !== undefined) trustAuthorities(caFile);
  const path = requiredFlag(flags, 'tokenFile', '--token-file');
  const token = await fetchToken(readCredentials(requiredFlag(flags, 'credentials', '--credentials')));
  writeSecret(path, token, true);
  print(flags, { tokenFile: path }, [`token written to ${path}; it expires within minutes`]);
}
