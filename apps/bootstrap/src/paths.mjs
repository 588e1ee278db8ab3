/** Where things are: the repository, the pinned Node.js and the state directory. Plain Node 18 and up. */
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository this bootstrap stands in. */
export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/** The package that carries the pinned Node.js and its headers for this processor. */
export const nodePackage = join(repository, 'node_modules', `node-linux-${process.arch}`);

/** The pinned Node.js. Always by path: whatever `node` is on PATH only starts the bootstrap. */
export const pinnedNode = join(nodePackage, 'bin', 'node');

/** @param {string[]} path inside the repository */
export function inRepository(...path) {
  return join(repository, ...path);
}

/**
 * The layout of one state directory.
 *
 * PINs of the root and the officers' tokens stand in `keepers/`, apart from `secrets/`: the appliance is told
 * only of the latter.
 *
 * @param {string} root absolute path
 */
export function stateLayout(root) {
  return {
    root,
    record: join(root, 'state.json'),
    lock: join(root, 'up.lock'),
    settings: join(root, 'airseal.yaml'),
    instance: join(root, 'instance.yaml'),
    issuers: join(root, 'fulcio-issuers.yaml'),
    bindings: join(root, 'ceremony-bindings.yaml'),
    secrets: join(root, 'secrets'),
    keepers: join(root, 'keepers'),
    softhsm: join(root, 'softhsm'),
    postgres: join(root, 'postgres'),
    redis: join(root, 'redis'),
    tls: join(root, 'tls'),
    logs: join(root, 'logs'),
    daemons: join(root, 'daemons'),
    trustMaterial: join(root, 'trust', 'trust-material.json'),
    tuf: join(root, 'tuf'),
    first: join(root, 'first-signature'),
  };
}
/** @typedef {ReturnType<typeof stateLayout>} StateLayout */
