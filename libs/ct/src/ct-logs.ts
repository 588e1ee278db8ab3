import { Fault } from '#core/fault';
import { fromBase64 } from '#core/octets';
import { STH_ORIGIN, type HeadSigner, type Hsm, type Signer } from '#hsm';
import type { TrustMaterial } from '#instance';
import type { Clock, Logger } from '#platform';
import type { Trees } from '#tree';
import { CtLog } from './ct-log.js';
import { identityOfLeaf } from './ct-trees.js';
import { sthFormat } from './sth-format.js';

/** Promises do not wait for tree heads, so one signature a second is enough for monitors. */
const HEAD_PAUSE_MS = 1000;

/** Monitors must see a head from within the maximum merge delay (RFC 6962 §3.5), also of a log at rest. */
const RENEW_MS = 3_600_000;

/** The certificate logs of this installation, oldest first; the newest one promises for new certificates. */
export class CtLogs {
  readonly #logs: readonly CtLog[];
  /** The log that the certificate authority submits to. */
  readonly active: CtLog;

  constructor(logs: readonly CtLog[]) {
    const active = logs.at(-1);
    if (active === undefined) throw new RangeError('there is at least one certificate log');
    this.#logs = logs;
    this.active = active;
  }

  /** @throws {Fault} ct/unknown-log */
  named(name: string): CtLog {
    const log = this.#logs.find((one) => one.name === name);
    if (log === undefined)
      throw new Fault('absent', 'ct/unknown-log', 'there is no certificate log of this name');
    return log;
  }

  /** Signs the head of the active log anew every hour; the result stops it. */
  keepFresh(logger: Logger): () => void {
    const timer = setInterval(() => {
      this.active.tree
        .renew()
        .catch((err: unknown) => logger.warn({ err }, 'the tree head could not be renewed'));
    }, RENEW_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  static async open(parts: {
    readonly trees: Trees;
    readonly hsm: Pick<Hsm, 'signer' | 'headSigner'>;
    readonly material: TrustMaterial;
    readonly clock: Clock;
  }): Promise<CtLogs> {
    const { trees, hsm, material, clock } = parts;
    const roots = [...new Set(material.certificateAuthorities.map(({ chain }) => chain.at(-1) ?? ''))].map(
      fromBase64,
    );
    const records = [...material.ctLogs].sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
    const logs: CtLog[] = [];
    for (const [at, { name, url, key }] of records.entries()) {
      const frozen = at < records.length - 1;
      const expected = { algorithm: key.algorithm, spki: fromBase64(key.spki) };
      // The key of a log that has ended may be gone from the token.
      const signer: Signer = frozen
        ? {
            uri: key.uri,
            ...expected,
            sign: async (message) => await (await hsm.signer(key.uri, 'sct', expected)).sign(message),
          }
        : await hsm.signer(key.uri, 'sct', expected);
      const openHeads = (): Promise<HeadSigner> => hsm.headSigner(key.uri, STH_ORIGIN, expected);
      const heads: HeadSigner = frozen
        ? {
            uri: key.uri,
            ...expected,
            sign: async (message) => await (await openHeads()).sign(message),
            announce: async (head) => await (await openHeads()).announce(head),
            adopt: async (head) => await (await openHeads()).adopt(head),
          }
        : await openHeads();
      const tree = await trees.open({
        name: `ct/${name}`,
        origin: url,
        format: sthFormat(heads),
        frozen,
        rules: { identityOf: identityOfLeaf },
        checkpointPauseMs: HEAD_PAUSE_MS,
      });
      // `<url>` ends in the name by which the door finds it: https://host/ct/<name>
      logs.push(
        new CtLog({ name: new URL(url).pathname.split('/').at(-1) ?? name, tree, roots, signer, clock }),
      );
    }
    return new CtLogs(logs);
  }
}
