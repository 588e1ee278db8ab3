/** `airseal identity add | token`: machines of the built-in issuer. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { Fault } from '#core/fault';
import { loadSettings } from '#platform';
import { askAppliance } from '../admin.js';
import { fetchToken, readCredentials } from '../identity-token.js';
import { trustAuthorities } from '../tls-authorities.js';
import { print } from '../output.js';
import { caFilePath, requiredFlag, settingsPath } from '../places.js';
import type { Flags } from '../verb.js';

/** Opens a 0600 file for a secret; an existing one is only overwritten where `mayReplace` says so. */
function openSecret(path: string, mayReplace: boolean): number {
  try {
    return openSync(path, mayReplace ? 'w' : 'wx', 0o600);
  } catch (cause) {
    throw new Fault(
      'conflict',
      'cli/file-exists',
      `cannot create ${path}; remove it first if it may be replaced`,
      { cause },
    );
  }
}

function writeSecret(file: number, text: string): void {
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
  // The file first: a machine whose only secret could not be written would be of no use to anybody.
  const file = openSecret(path, false);
  let machine: Record<string, unknown>;
  try {
    machine = await askAppliance(settings.listen.admin.socket, 'POST', '/admin/v1/machine-identities', {
      name: email,
      email,
    });
  } catch (error) {
    closeSync(file);
    rmSync(path);
    throw error;
  }
  writeSecret(
    file,
    `${JSON.stringify({
      tokenEndpoint: machine['tokenEndpoint'],
      clientId: machine['clientId'],
      clientSecret: machine['clientSecret'],
    })}\n`,
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
  writeSecret(openSecret(path, true), token);
  print(flags, { tokenFile: path }, [`token written to ${path}; it expires within minutes`]);
}
