/**
 * The files of an evaluation: settings, instance, issuers, and the tokens a ceremony may use.
 *
 * They are written once and are the operator's from then on: names in `instance.yaml` are burnt into
 * certificates by genesis, and an edited setting must survive the next `up`. Only the runtime directory, which
 * lives in /tmp and may be swept away, is brought up to date in place.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeIfDifferent, writeWhole } from './files.mjs';
import { ownerRole, postgresPort, runtimeRole } from './postgres.mjs';

export const organisation = 'AIRSEAL EVALUATION - DO NOT TRUST';

/** Each shard of the v2 log is a host of its own, so evaluation needs a second loopback address. */
export const addresses = ['127.0.0.1', '127.0.0.2'];

/** A JSON string is a YAML string. @param {unknown} value */
const quoted = (value) => JSON.stringify(value);

/** @param {string} text @param {number} columns */
const indented = (text, columns) => text.trimEnd().split('\n').map((line) => `${' '.repeat(columns)}${line}\n`).join('');

/** @param {import('./state.mjs').State} state */
export function originOf(state) {
  return `https://${addresses[0]}:${state.record.port}`;
}

/**
 * @param {import('./state.mjs').State} state
 * @param {Record<string, import('./softhsm.mjs').TokenSettings>} tokens
 * @returns {string} what happened
 */
export function ensureEvaluationFiles(state, tokens) {
  const { layout } = state;
  let written = 0;
  /** @param {string} path @param {() => string} content */
  const once = (path, content) => {
    if (existsSync(path)) return;
    writeWhole(path, content());
    written += 1;
  };
  once(layout.instance, () => instance(state));
  once(layout.issuers, () => issuers(state));
  once(layout.bindings, () => bindings(tokens));
  if (existsSync(layout.settings)) {
    const text = readFileSync(layout.settings, 'utf8');
    const previous = /^runtimeDir: "(.*)"$/m.exec(text)?.[1];
    if (previous !== undefined && writeIfDifferent(layout.settings, text.replaceAll(previous, state.record.runtimeDir))) written += 1;
  } else {
    const online = tokens['online'];
    if (online === undefined) throw new Error('the online token must exist before the settings are written');
    once(layout.settings, () => settings(state, online));
  }
  return written === 0 ? 'unchanged' : `${written} written`;
}

/** @param {import('./state.mjs').State} state */
function instance(state) {
  const [first, second] = addresses;
  const { port, createdAt } = state.record;
  const year = createdAt.slice(0, 4);
  return `# Names of this installation. Genesis burns them into certificates, logs and bundles: they cannot change after it.
name: evaluation
organisation: ${quoted(organisation)}
mode: evaluation
services:
  fulcio: https://${first}:${port}
  oidc: https://${first}:${port}/oidc
  tsa: https://${first}:${port}/api/v1/timestamp
  tuf: https://${first}:${port}/tuf
  ct:
    - { name: "${year}", url: "https://${first}:${port}/ct/${year}" }
  rekorV1:
    url: https://${first}:${port}
    shards:
      - { name: "${year}-1" }
  rekorV2:
    - { name: "${year}-1", url: "https://${second}:${port}" }
defaultRekorApi: v1
courierInterval: 7d
clients: [cosign, cosign-2, sigstore-python, sigstore-js, sigstore-java, sigstore-go]
subjectPrivacy: {}
backup: {}
`;
}

/** @param {import('./state.mjs').State} state */
function issuers(state) {
  const url = `${originOf(state)}/oidc`;
  return `# Who may vouch for identities, in Fulcio's own format. Add your identity provider here.
oidc-issuers:
  ${url}:
    issuer-url: ${url}
    client-id: sigstore
    type: email
    ca-cert: |
${indented(readFileSync(join(state.layout.tls, 'ca.pem'), 'utf8'), 6)}`;
}

/** @param {import('./softhsm.mjs').TokenSettings} token @param {number} columns */
function token(token, columns) {
  const lines = [
    `module: ${quoted(token.module)}`,
    `uri: ${quoted(token.uri)}`,
    `pinSource: ${quoted(token.pinSource)}`,
    'environment:',
    ...Object.entries(token.environment).map(([name, value]) => `  ${name}: ${quoted(value)}`),
  ];
  return indented(lines.join('\n'), columns);
}

/** @param {Record<string, import('./softhsm.mjs').TokenSettings>} tokens */
function bindings(tokens) {
  return `# Which token plays which part in a ceremony. Read by ceremonies only; the appliance never sees this file.
tokens:
${Object.entries(tokens)
  .map(([name, settings]) => `  ${name}:\n${token(settings, 4)}`)
  .join('')}`;
}

/** @param {import('./state.mjs').State} state @param {import('./softhsm.mjs').TokenSettings} online */
function settings(state, online) {
  const { layout } = state;
  const { runtimeDir, port } = state.record;
  return `# Settings of an evaluation, made by \`npm run up\`. Every key is explained in docs/settings.md.
mode: evaluation
stateDir: ${quoted(layout.root)}
runtimeDir: ${quoted(runtimeDir)}
instance: ${quoted(layout.instance)}
crypto:
  profile: standard
database:
  host: ${quoted(runtimeDir)}
  port: ${postgresPort}
  name: airseal
  runtimeUser: ${runtimeRole}
  ownerUser: ${ownerRole}
redis:
  socket: ${quoted(join(runtimeDir, 'redis.sock'))}
hsm:
  tokens:
    online:
${token(online, 6)}listen:
  public:
${addresses.map((address) => `    - { address: ${address}, port: ${port} }\n`).join('')}  admin:
    socket: ${quoted(join(runtimeDir, 'admin.sock'))}
tls:
  certificate: ${quoted(join(layout.tls, 'server.pem'))}
  key: ${quoted(join(layout.tls, 'server.key'))}
identity:
  issuers: ${quoted(layout.issuers)}
`;
}

/**
 * After the private TLS authority was renewed: the issuers file carries it and must not keep the old one.
 *
 * @param {string} path of the issuers file
 * @param {string} before PEM
 * @param {string} after PEM
 */
export function replaceAuthority(path, before, after) {
  if (!existsSync(path) || before === after) return;
  const text = readFileSync(path, 'utf8');
  writeIfDifferent(path, text.replace(indented(before, 6), indented(after, 6)));
}
