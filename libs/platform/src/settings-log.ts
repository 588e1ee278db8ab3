/** Settings of the transparency log's two faces, and of what is written about the work itself. */
import { z } from 'zod';
import { told } from './settings-docs.js';

/** Why one word that operators of other logs know is not one of ours. */
const NOT_WRAPPED =
  'wrapped is not offered: it would unwrap the private key of the log into the memory of the appliance, where the ' +
  'token vouches for nothing. Use hsm-parallel with a faster token, or off';

const V1 = told(
  z
    .strictObject({
      signedEntryTimestamps: told(
        z
          .enum(['hsm', 'hsm-parallel', 'off'], {
            error: ({ input }) => (input === 'wrapped' ? NOT_WRAPPED : undefined),
          })
          .default('hsm-parallel'),
        'Who signs the promise (SET) in each answer: the token, one entry after another (`hsm`) or several at once (`hsm-parallel`), or nobody (`off`). Unlike a checkpoint, which is one signature for a whole batch, this is one for each entry: it is what a slow token limits. `wrapped` is refused by name: no key of a log leaves its token.',
        '`hsm` for a token that does one thing at a time: more at once would gain nothing and only make checkpoints and certificates wait behind promises. `off` where every client makes and checks bundles of v0.3 with an RFC 3161 timestamp: what counts is then the proof and the timestamp, and `integratedTime` is bound by nothing. Tried with `off`: `airseal`, cosign 3.1, cosign 2.6 (`--new-bundle-format`) and sigstore-go sign; sigstore-python 4.5 (it reads the member) and sigstore-java 2.0 (it asks no timestamp authority for v1) cannot, and `rekor-cli upload` says `signature missing`. sigstore-go, sigstore-js, sigstore-java and sigstore-python verify; cosign 2.6 and 3.1 only with `--use-signed-timestamps`. What cosign and sigstore-go make holds an empty promise, which sigstore-js and sigstore-python take for a bad one. By their sources also broken: sigstore-rs (the member is not optional there), and all that reads older bundles of cosign or looks entries up online, policy-controller and Kyverno among them. Entries that have a promise keep it.',
        'Can stop promises (`off`), which older clients notice at once; what is promised is signed by the token all the same.',
      ),
      timestampsAtOnce: told(
        z.int().min(2).max(8).default(8),
        'With `hsm-parallel`: how many promises may be at the token at once. The agent of a token holds eight sessions, in which keys take turns.',
        'Lower it for a token with few sessions.',
        'A low number makes the v1 log slow.',
      ),
    })
    .prefault({}),
  'The face of the log that speaks Rekor v1.',
  'To fit the token.',
  'See below.',
);

const V2 = told(
  z
    .strictObject({
      nativeDsse: told(
        z.boolean().default(false),
        'Logs the envelope that an older client sends (`dsseRequestV002`) as `dsse/0.0.2`, the form that upstream gave up in June 2026, instead of `hashedrekord/0.0.2`.',
        'Only for a fleet that verifies with sigstore-python 4.0 to 4.2 or sigstore-java 2.0 and 2.1, which accept nothing else. Tried: sigstore-java 2.0.0, sigstore-js and cosign 2.6 verify such an entry, sigstore-go 1.2 and cosign 3.1 refuse it; so do sigstore-python from 4.3 and sigstore-java from 2.2 on, by their sources. What clients send as hashedrekord stays hashedrekord. Entries that are in the log never change.',
        'Can make new attestations unverifiable for one half of the clients.',
      ),
    })
    .prefault({}),
  'The face of the log that speaks Rekor v2.',
  'For fleets pinned to older verifiers.',
  'See below.',
);

const Statements = told(
  z
    .strictObject({
      maximumBytes: told(
        z.int().min(1024).max(33554432).default(4194304),
        'The largest DSSE envelope that is kept, in bytes, whether it came with its entry or was deposited. A larger one can still be logged; answers by subject then say that it is not held.',
        'Raise it where inventories of large images are signed; raise `limits.statementBodyBytes` with it.',
        'A high value lets callers fill the database; a low one leaves statements out of the store, which every answer says.',
      ),
      maximumEntries: told(
        z.int().min(1).max(1000).default(16),
        'How many log entries one and the same statement is kept for: as many may sign it, and each entry keeps its own envelope.',
        'Raise it where many people sign one statement.',
        'A high value lets callers store one envelope many times over.',
      ),
    })
    .prefault({}),
  'The store of signed statements (DSSE envelopes), by which entries are found by their subjects.',
  'To fit what is signed.',
  'See below.',
);

const Verification = told(
  z
    .strictObject({
      enabled: told(
        z.boolean().default(true),
        'Whether every tree is derived again in the background, from its bodies to its signed heads, over and over.',
        'Turn it off where `airseal log fsck` runs every night instead.',
        '`false` delays the discovery of damage until somebody looks.',
      ),
      leavesPerSecond: told(
        z.int().min(1).max(1000000).default(1000),
        'How many leaves of all trees together are read and hashed per second. A thousand cost one to two hundredths of a core, and as much again in the database.',
        'Raise it for a log of hundreds of millions: the log is covered once in as many seconds as it has leaves, divided by this.',
        'A low number stretches a pass, and delays the discovery of damage; a high one takes time from honest clients.',
      ),
      everyHours: told(
        z.int().min(1).max(8760).default(24),
        'How many hours lie between the beginnings of two passes over a tree, at least.',
        'Lower it for a small log that matters much.',
        'As `leavesPerSecond`.',
      ),
    })
    .prefault({}),
  'The slow check of all trees, which says how much of each it has covered since when.',
  'To cover a large log in the time that your auditors ask for.',
  'See below.',
);

export const Log = told(
  z
    .strictObject({
      level: told(
        z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
        'The least important message that is still written: JSON, one object per line, to standard output.',
        'Set `debug` while looking for a fault.',
        '`fatal` hides their traces from the log; the audit trail does not depend on it.',
      ),
      v1: V1,
      v2: V2,
      statements: Statements,
      verification: Verification,
    })
    .prefault({}),
  'The two faces of the transparency log; and, under `level`, what is written about the work itself.',
  'To fit the token and the clients; or while looking for a fault.',
  'See below.',
);
