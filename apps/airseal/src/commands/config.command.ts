/**
 * `airseal config check`: proves that the settings resolve, and prints what cannot be taken back.
 *
 * Names in `instance.yaml` are burnt into every bundle, and a log never forgets; so the check says which
 * personal fields will enter it, and refuses in production what only works on a developer's machine.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ALGORITHMS } from '#core/crypto';
import { Fault } from '#core/fault';
import { hostOf, parseInstance, type Instance } from '#instance';
import { loadSettings } from '#platform';
import { print, table } from '../output.js';
import { readText, settingsPath } from '../places.js';
import type { Flags } from '../verb.js';

function serviceUrls({ services }: Instance): readonly (readonly [service: string, url: string])[] {
  return [
    ['fulcio', services.fulcio],
    ...(services.oidc === undefined ? [] : [['oidc', services.oidc] as const]),
    ['tsa', services.tsa],
    ['tuf', services.tuf],
    ...services.ct.map((shard) => [`ct ${shard.name}`, shard.url] as const),
    ['rekor v1', services.rekorV1.url],
    ...services.rekorV2.map((shard) => [`rekor v2 ${shard.name}`, shard.url] as const),
  ];
}

/** What is to be said of one host name; `resolve` asks the resolver of this machine. */
export async function findingOf(
  host: string,
  mode: Instance['mode'],
  resolve: (host: string) => Promise<{ readonly address: string }> = lookup,
): Promise<string> {
  if (mode === 'production') {
    if (host === 'localhost' || host.endsWith('.localhost'))
      return 'REFUSED: localhost means another machine to each client';
    if (isIP(host.replaceAll(/[[\]]/g, '')) !== 0) return 'REFUSED: an address cannot move; use a name';
    if (!host.includes('.')) return 'REFUSED: a single label depends on each client’s search domain';
  }
  try {
    return `resolves to ${(await resolve(host)).address}`;
  } catch {
    return 'REFUSED: does not resolve here';
  }
}

export async function checkConfig(_operands: string[], flags: Flags): Promise<void> {
  const path = settingsPath(flags);
  const settings = loadSettings(path);
  const instance = parseInstance(readText(settings.instance, 'instance file'));
  if (instance.mode !== settings.mode) {
    throw new Fault(
      'refused',
      'config/mode',
      `settings say ${settings.mode}, the instance says ${instance.mode}`,
    );
  }
  const names = await Promise.all(
    serviceUrls(instance).map(async ([service, url]) => ({
      service,
      url,
      finding: await findingOf(hostOf(url), instance.mode),
    })),
  );
  // Two v2 shards, or v1 and v2, under one host would be one name for two logs.
  const hosts = instance.services.rekorV2.map((shard) => hostOf(shard.url));
  if (new Set([...hosts, hostOf(instance.services.rekorV1.url)]).size !== hosts.length + 1) {
    throw new Fault(
      'refused',
      'config/shared-host',
      'each log shard needs a host name of its own: a shard is a host name',
    );
  }
  const personal = [
    'certificate subject (e-mail, URI or name of the signer): in the certificate log and in v1 and v2 entries',
    'issuer URL and workflow claims: in the same certificates',
    ...Object.entries(instance.subjectPrivacy).map(([issuer, how]) => `subjects of ${issuer}: ${how}`),
  ];
  const profile = settings.crypto.profile;
  const algorithms = ALGORITHMS.map((each) => ({
    name: each.name,
    use: each.use,
    standard: each.standard,
    permitted: profile === 'standard' || each.fips,
  }));
  print(
    flags,
    {
      settings: path,
      mode: settings.mode,
      organisation: instance.organisation,
      names,
      personal,
      profile,
      algorithms,
    },
    [
      `${path}: mode ${settings.mode}, organisation ${instance.organisation}`,
      '',
      'Names, burnt into certificates, checkpoints and bundles:',
      ...table(names.map((each) => [`  ${each.service}`, each.url, each.finding])),
      '',
      'Personal fields that enter a log that never forgets:',
      ...personal.map((each) => `  ${each}`),
      '',
      `Algorithms under the ${profile} profile:`,
      ...table(
        algorithms.map((each) => [
          `  ${each.name}`,
          each.permitted ? 'permitted' : 'refused',
          each.standard,
          each.use,
        ]),
      ),
    ],
  );
  const refused = names.filter((each) => each.finding.startsWith('REFUSED'));
  if (refused.length > 0) {
    throw new Fault(
      'refused',
      'config/names',
      `${refused.map((each) => each.service).join(', ')}: mend these names before genesis`,
    );
  }
}
