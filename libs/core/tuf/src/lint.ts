/**
 * Lints of a root before anybody signs it (CEREMONY §3.9, group T). Findings are data: the ceremony decides
 * that any finding stops it.
 */
import { tufKeyId } from './key.js';
import { ROLE_NAMES, type RoleName, type RootSigned } from './metadata.js';

export interface TufFinding {
  readonly lint: string;
  readonly message: string;
}

/** Roles whose keys lie in officers' hands, and those that a running machine can use at any hour. */
const OFFLINE: readonly RoleName[] = ['root', 'targets'];
const ONLINE: readonly RoleName[] = ['snapshot', 'timestamp'];

/**
 * @param previous the root that this one replaces; `undefined` for the first
 * @param now RFC 3339, UTC, whole seconds
 */
export function lintRoot(root: RootSigned, previous: RootSigned | undefined, now: string): TufFinding[] {
  const findings: TufFinding[] = [];
  const find = (lint: string, message: string) => findings.push({ lint, message });

  const expected = (previous?.version ?? 0) + 1;
  if (root.version !== expected) find('T1', `version ${root.version} must be ${expected}`);

  for (const [id, key] of Object.entries(root.keys)) {
    if (tufKeyId(key) !== id) find('T2', `key id ${id} is not the digest of its key object`);
  }
  const material = Object.values(root.keys).map((key) => key.keyval.public);
  if (new Set(material).size !== material.length) find('T3', 'one key stands under two ids');

  for (const name of ROLE_NAMES) {
    const { keyids, threshold } = root.roles[name];
    if (new Set(keyids).size !== keyids.length) find('T3', `${name} lists a key twice`);
    for (const id of keyids)
      if (root.keys[id] === undefined) find('T2', `${name} lists the unknown key ${id}`);
    if (threshold < 1 || threshold > keyids.length)
      find('T4', `${name} cannot reach ${threshold} of ${keyids.length}`);
  }
  for (const name of OFFLINE) {
    const { keyids, threshold } = root.roles[name];
    if (threshold < 2) find('T4', `${name} needs a threshold of two: one officer must not be enough`);
    if (threshold > keyids.length - 1)
      find('T4', `${name} needs a spare officer: ${threshold} of ${keyids.length} leaves none`);
    for (const online of ONLINE) {
      if (root.roles[online].keyids.some((id) => keyids.includes(id))) {
        find('T3', `${name} and ${online} share a key: what is online must not sign what is offline`);
      }
    }
  }

  if (root.expires <= now) find('T5', `root would be born expired (${root.expires})`);
  if (!root.consistent_snapshot) find('T6', 'consistent_snapshot must be true');
  if (!/^1\.0(?:\.\d+)?$/.test(root.spec_version))
    find('T6', `spec_version ${root.spec_version} is not 1.0.x`);
  return findings;
}
