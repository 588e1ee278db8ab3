/** `airseal identity add-person | reset-person | disable-person | list | remove`: who the built-in issuer knows. */
import { Fault } from '#core/fault';
import { loadSettings } from '#platform';
import { askAppliance } from '../admin.js';
import { print, table } from '../output.js';
import { flag, settingsPath } from '../places.js';
import type { Flags } from '../verb.js';

const ACCOUNTS = '/admin/v1/accounts';
const MACHINES = '/admin/v1/machine-identities';

type Answer = Record<string, unknown>;

function ask(flags: Flags, method: string, path: string, body?: unknown): Promise<Answer> {
  return askAppliance(loadSettings(settingsPath(flags)).listen.admin.socket, method, path, body);
}

const ofPerson = (email: string): string => `${ACCOUNTS}/${encodeURIComponent(email)}`;

function printLink(flags: Flags, answer: Answer): void {
  const [email, link, expiresAt] = [answer['email'], answer['setPasswordUrl'], answer['expiresAt']].map(
    String,
  );
  print(flags, { email: email ?? '', setPasswordUrl: link ?? '', expiresAt: expiresAt ?? '' }, [
    `hand this link to ${email ?? ''} alone; it sets the password once, until ${expiresAt ?? ''}:`,
    link ?? '',
  ]);
}

export async function addPerson([email = '']: string[], flags: Flags): Promise<void> {
  printLink(flags, await ask(flags, 'POST', ACCOUNTS, { email }));
}

export async function resetPerson([email = '']: string[], flags: Flags): Promise<void> {
  printLink(flags, await ask(flags, 'POST', `${ofPerson(email)}/reset`));
}

export async function disablePerson([email = '']: string[], flags: Flags): Promise<void> {
  const state = flags['undo'] === true ? 'enabled' : 'disabled';
  await ask(flags, 'POST', `${ofPerson(email)}/${state === 'enabled' ? 'enable' : 'disable'}`);
  print(flags, { email, state }, [`${email} is ${state}`]);
}

interface Known {
  readonly kind: 'machine' | 'person';
  readonly name: string;
  readonly email: string;
  readonly subject: string;
  readonly state: string;
}

async function everyIdentity(flags: Flags): Promise<Known[]> {
  const { machines } = (await ask(flags, 'GET', MACHINES)) as { machines: Record<string, string>[] };
  const { accounts } = (await ask(flags, 'GET', ACCOUNTS)) as { accounts: Record<string, string | null>[] };
  return [
    ...machines.map(({ name = '', email = '', clientId = '', authentication = '' }): Known => ({
      ...{ kind: 'machine', name, email, subject: clientId, state: authentication },
    })),
    ...accounts.map(({ email, accountId, state, lockedUntil }): Known => {
      const locked = lockedUntil === null || lockedUntil === undefined ? '' : `, locked until ${lockedUntil}`;
      const address = email ?? '';
      return {
        kind: 'person',
        name: address,
        email: address,
        subject: accountId ?? '',
        state: `${state ?? ''}${locked}`,
      };
    }),
  ];
}

export async function listIdentities(_operands: string[], flags: Flags): Promise<void> {
  const known = await everyIdentity(flags);
  if (flags.output === 'json') {
    for (const one of known) print(flags, { ...one }, []);
    return;
  }
  const rows = known.map(({ kind, name, email, subject, state }) => [kind, name, email, subject, state]);
  print(
    flags,
    {},
    known.length === 0 ? ['nobody yet'] : table([['KIND', 'NAME', 'E-MAIL', 'SUBJECT', 'STATE'], ...rows]),
  );
}

export async function removeIdentity([name = '']: string[], flags: Flags): Promise<void> {
  const kind = flag(flags, 'kind');
  const found = (await everyIdentity(flags)).filter(
    (one) => one.name.toLowerCase() === name.toLowerCase() && (kind === undefined || one.kind === kind),
  );
  const [only, another] = found;
  if (only === undefined) {
    throw new Fault(
      'absent',
      'cli/no-such-identity',
      `nobody is called ${name}; see \`airseal identity list\``,
    );
  }
  if (another !== undefined) {
    throw new Fault(
      'conflict',
      'cli/ambiguous-identity',
      `a machine and a person are called ${name}: say --kind machine or --kind person`,
    );
  }
  const path = only.kind === 'person' ? ofPerson(only.name) : `${MACHINES}/${encodeURIComponent(only.name)}`;
  await ask(flags, 'DELETE', path);
  print(flags, { kind: only.kind, name: only.name, removed: true }, [
    `removed the ${only.kind} ${only.name}`,
  ]);
}
