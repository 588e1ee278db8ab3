/**
 * Secrets are references. The file behind one is read when it is needed, never kept in settings, and only
 * if nobody but its owner may open it.
 */
import { readFileSync, statSync } from 'node:fs';
import { Fault } from '#core/fault';

/**
 * The text in a secret's file without its final newline.
 *
 * @throws {Fault} secret/unreadable, secret/exposed
 */
export function readSecret(path: string): string {
  let mode: number;
  let text: string;
  try {
    mode = statSync(path).mode;
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Fault('unavailable', 'secret/unreadable', `cannot read the secret at ${path}`, { cause });
  }
  if ((mode & 0o077) !== 0) {
    throw new Fault('refused', 'secret/exposed', `others may open the secret at ${path}: chmod 600 ${path}`);
  }
  return text.replace(/\r?\n$/, '');
}
