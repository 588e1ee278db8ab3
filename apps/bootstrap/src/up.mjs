/**
 * From a built repository to a running appliance that has signed its first file. The steps are in the order in
 * which they need each other; each finds out for itself whether it has anything to do.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertPortFree, startAppliance } from './appliance.mjs';
import { runningDaemon } from './daemons.mjs';
import { addresses, ensureEvaluationFiles, organisation, originOf, replaceAuthority } from './evaluation-files.mjs';
import { ensureFirstSignature, firstFiles, firstIdentity } from './first-signature.mjs';
import { discardInterruptedGenesis, ensureGenesis } from './genesis.mjs';
import { createCluster, createDatabase, startPostgres } from './postgres.mjs';
import { ensurePrivateTls } from './private-tls.mjs';
import { startRedis } from './redis.mjs';
import { ensureToken } from './softhsm.mjs';
import { engines, openState } from './state.mjs';

/** Keys the appliance signs with; then those it must never reach: root, and the officers who sign the TUF root. */
const onlineToken = 'online';
const keepersTokens = ['root', 'officer-1', 'officer-2', 'officer-3'];

/**
 * @param {{root: string, port?: number | undefined}} wanted
 * @returns {{steps: import('./progress.mjs').Step[], state: () => import('./state.mjs').State}}
 */
export function upSteps(wanted) {
  /** @type {import('./state.mjs').State | undefined} */
  let opened;
  const state = () => {
    if (opened === undefined) throw new Error('the state directory is opened by the first step');
    return opened;
  };
  /** @type {Record<string, import('./softhsm.mjs').TokenSettings>} */
  const tokens = {};

  return {
    state,
    steps: [
      {
        name: 'state directory',
        async run() {
          opened = openState(wanted.root, wanted.port);
          if (runningDaemon(opened.layout.daemons, 'appliance') === undefined) {
            // Found now, before a port is burnt into certificates.
            for (const address of addresses) await assertPortFree(address, opened.record.port);
          }
          return opened.layout.root;
        },
      },
      {
        name: 'PostgreSQL, private, on a Unix socket',
        async run() {
          const { postgres } = engines(state());
          const made = await createCluster(postgres);
          const started = await startPostgres(postgres);
          await createDatabase(postgres, 'airseal');
          return made ? 'made and started' : started ? 'started' : 'running';
        },
      },
      {
        name: 'Redis, private, on a Unix socket',
        run: async () => ((await startRedis(engines(state()).redis)) ? 'started' : 'running'),
      },
      {
        name: 'tokens of the test HSM',
        async run() {
          const { layout } = state();
          const again = await discardInterruptedGenesis(state());
          let made = 0;
          for (const name of [onlineToken, ...keepersTokens]) {
            const token = await ensureToken({
              directory: join(layout.softhsm, name),
              label: `airseal-${name}`,
              pin: join(name === onlineToken ? layout.secrets : layout.keepers, `${name}.pin`),
              soPin: join(layout.keepers, `${name}.so-pin`),
            });
            tokens[name] = token.settings;
            if (token.made) made += 1;
          }
          if (again) return 'made anew, since genesis was interrupted';
          return made === 0 ? 'there' : `${made} made, PINs in files that only you can read`;
        },
      },
      {
        name: 'TLS certificate for the loopback addresses',
        async run() {
          const { layout } = state();
          const authority = join(layout.tls, 'ca.pem');
          const before = existsSync(authority) ? readFileSync(authority, 'utf8') : '';
          const result = await ensurePrivateTls(layout.tls, { addresses, organisation });
          if (before !== '') replaceAuthority(layout.issuers, before, readFileSync(authority, 'utf8'));
          return result;
        },
      },
      { name: 'settings', run: () => Promise.resolve(ensureEvaluationFiles(state(), tokens)) },
      { name: 'genesis: the ceremony that makes the keys', run: () => ensureGenesis(state()) },
      { name: 'the appliance', run: () => startAppliance(state()) },
      { name: 'the first signature', run: () => ensureFirstSignature(state()) },
    ],
  };
}

/** @param {import('./state.mjs').State} state what to type next */
export function farewell(state) {
  const files = firstFiles(state);
  const { layout } = state;
  const flag = layout.root.endsWith('/.airseal') ? '' : ` --state ${layout.root}`;
  return `
Airseal runs at ${originOf(state)} (evaluation: DO NOT TRUST its signatures elsewhere).

  What was done
    A machine identity (${firstIdentity}) got a ten-minute certificate from the
    intermediate key in the test HSM, signed ${files.artifact},
    logged and timestamped it, and the bundle beside it was verified with no network call.

  What to type next
    apps/airseal/airseal${flag} verify-blob --certificate-identity ${firstIdentity} \\
      --certificate-oidc-issuer ${originOf(state)}/oidc ${files.artifact}
    apps/airseal/airseal${flag} sign-blob --credentials ${files.credentials} README.md
    apps/airseal/airseal${flag} env        points cosign and other clients at this installation
    npm run status · npm run down · npm run reset
`;
}
