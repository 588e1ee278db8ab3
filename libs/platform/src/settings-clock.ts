/** When the clock is good enough to sign a time: who vouches for it, and for how long without them. */
import { z } from 'zod';
import { path } from './settings-connections.js';
import { told } from './settings-docs.js';

const Name = told(
  z.string().regex(/^[a-z0-9][a-z0-9.-]{0,39}$/, 'small letters, digits, dots and hyphens'),
  'What this source is called in records, metrics and health.',
  'To your liking; records keep the name that was in force.',
  'Nothing.',
);

const Port = (fallback: number, what: string) =>
  told(
    z.int().min(1).max(65535).default(fallback),
    what,
    'As your network has it.',
    'As the address: answers of another server.',
  );

const Ntp = z.strictObject({
  kind: told(
    z.literal('ntp'),
    '`ntp` (a time server, asked by the appliance itself), `chrony` (the chronyd of this host, about its own chain of sources), `ptp` (the ptp4l of this host) or `declared` (two persons read a clock on the wall).',
    'As your network has it. Sources that hang on the same antenna or server are one source: the appliance cannot see that.',
    'One source alone cannot move the time; as many as `clock.agree` asks for can.',
  ),
  name: Name,
  host: told(
    z.string().min(1),
    'With `ntp`: name or address of the server.',
    'As your network has it.',
    'Whoever answers there is one voice about the time.',
  ),
  port: Port(
    123,
    'With `ntp`: its port. With `chrony`: the port of its commands, `cmdport`, 323 when left out.',
  ),
});

const Chrony = z.strictObject({
  kind: told(z.literal('chrony'), 'As above.', 'As above.', 'As above.'),
  name: Name,
  port: Port(323, 'The port of chronyd’s commands.'),
});

const Ptp = z.strictObject({
  kind: told(z.literal('ptp'), 'As above.', 'As above.', 'As above.'),
  name: Name,
  pmc: path(
    'With `ptp`: the program `pmc` of linuxptp.',
    'Where your system has it.',
    'Whoever can replace it is one voice about the time, and runs as the appliance.',
  ).default('/usr/sbin/pmc'),
  socket: path(
    'With `ptp`: the socket of ptp4l; the one for reading needs no rights.',
    'Where your ptp4l has it (`uds_ro_address`, or `uds_address` before linuxptp 4).',
    'Whoever answers there is one voice about the time.',
  ).default('/var/run/ptp4lro'),
  timestamping: told(
    z.enum(['software', 'hardware']).default('software'),
    'With `ptp`: which clock ptp4l steers. `software` is the clock of this machine. `hardware` (a clock on the network card, carried over by phc2sys) is refused by name: give that clock to chronyd as a `refclock PHC`, and use `chrony`.',
    'Never to `hardware`.',
    'Nothing.',
  ),
});

const Declared = z.strictObject({
  kind: told(z.literal('declared'), 'As above.', 'As above.', 'As above.'),
  name: Name,
});

export const ClockSource = z.discriminatedUnion('kind', [Ntp, Chrony, Ptp, Declared]);
export type ClockSource = z.infer<typeof ClockSource>;

const whole = (least: number, most: number, fallback: number) =>
  z.int().min(least).max(most).default(fallback);

export const ClockSettings = told(
  z
    .strictObject({
      trust: told(
        z.enum(['sources', 'standalone']),
        '`sources`: a time is signed only while at least `agree` of the sources agree, and for a bounded holdover after. `standalone`: the clock of this machine is all there is; the appliance watches it for jumps, and says `standalone` in every health answer and metric. When left out: `sources` if any are listed, else `standalone`; production refuses to start on `standalone` that nobody wrote here.',
        'List two sources in production.',
        'With `standalone`, whoever sets the clock sets the time in timestamps, forwards at any time, backwards to the newest entry.',
      ).optional(),
      sources: told(
        z.array(ClockSource).max(16).default([]),
        'Who vouches for the time.',
        'Two at least, three to survive a liar among them; of different origin.',
        'See `clock.sources[].kind`.',
      ),
      agree: told(
        whole(2, 16, 2),
        'How many sources must agree; it must also be more than half of those that answer.',
        'Raise it with the number of sources.',
        'A low value lets fewer sources decide.',
      ),
      pollSeconds: told(
        whole(1, 1024, 16),
        'How often each source is asked. One that fails three times in a row is lost.',
        'Your time servers may want to be asked less often.',
        'A large value hides a wrong clock for as long.',
      ),
      maximumOffsetMs: told(
        whole(1, 60000, 500),
        'How far two sources may miss each other beyond their own error bounds, and how far the clock of this machine may be from what they agree on.',
        'To the accuracy that you promise.',
        'A large value allows timestamps that are wrong by as much.',
      ),
      maximumErrorMs: told(
        whole(1, 600000, 500),
        'Largest error bound of the agreed time, drift included, at which a time is still signed. A declared time alone seldom keeps it: it is for those who raise this to seconds.',
        'To the accuracy that you promise; to 60000 and more where people declare the time.',
        'As `maximumOffsetMs`.',
      ),
      driftPpm: told(
        whole(1, 500, 50),
        'How fast the steady clock of this machine may run off, in millionths, while nobody vouches for it.',
        'Lower it for a machine with a better oscillator.',
        'A low value hides how wrong the time may have become.',
      ),
      holdoverSeconds: told(
        whole(1, 2678400, 14400),
        'For how long after the last agreement a time is still signed; also how long a declared time holds.',
        'To how long an outage of your sources lasts.',
        'A long holdover gives a slow attack on the machine’s oscillator time.',
      ),
      maximumAbsenceDays: told(
        whole(1, 36500, 366),
        'At a start: how far the clock may be after the newest entry and token before it is taken for a clock that ran away. With agreeing sources they decide instead.',
        'Raise it to start an installation that was away for longer, and put it back.',
        'A large value lets one start with a wrong clock push the time of the logs into the future, which cannot be undone.',
      ),
      file: path(
        'A file that the time service touches each time it has synchronised (systemd-timesyncd: /run/systemd/timesync/clock); when set, no time is signed while it is older than `maximumAgeSeconds`.',
        'In standalone operation, as your time service does it.',
        'Whoever may touch it can hide that synchronisation stopped.',
      ).optional(),
      maximumAgeSeconds: told(
        z.int().min(1).default(4096),
        'With `file`: how old the last synchronisation may be. With `chrony`: how old chronyd’s last measurement.',
        'To the poll interval of your time service.',
        'A large value hides that synchronisation stopped.',
      ),
      maximumJumpMs: told(
        z.int().min(1).default(2000),
        'How far the clock may depart from steady time before no time is signed any more, and how far below the newest entry or token it may read. Agreeing sources end the doubt; standalone, a restart does, unless the clock is below what was signed.',
        'Raise it on machines whose clock is slewed a lot.',
        'A large value allows back-dating by as much.',
      ),
    })
    .superRefine((clock, issues) => {
      const names = clock.sources.map(({ name }) => name);
      if (new Set(names).size < names.length) {
        issues.addIssue({ code: 'custom', path: ['sources'], message: 'two sources have the same name' });
      }
      if (clock.trust === 'sources' && names.length < clock.agree) {
        issues.addIssue({
          code: 'custom',
          path: ['sources'],
          message: `trust: sources needs at least ${clock.agree} of them`,
        });
      }
      // Two voices of one daemon, or of the same two persons, are one.
      for (const kind of ['declared', 'chrony', 'ptp'] as const) {
        if (clock.sources.filter((source) => source.kind === kind).length > 1)
          issues.addIssue({ code: 'custom', path: ['sources'], message: `${kind} can be listed once only` });
      }
    })
    .prefault({}),
  'Whose word the time is, and when it is good enough to be signed.',
  'In production: list your sources.',
  'See below.',
);
