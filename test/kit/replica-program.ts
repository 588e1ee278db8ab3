/**
 * A replica in a process of its own, so that it can be killed and its disk can fail: one tree, its files, its hsm.
 *
 * Told what to open by its first line on standard input; then one question a line, one answer a line.
 */
import { createInterface } from 'node:readline';
import pg from 'pg';
import { isFault } from '#core/fault';
import { fromUtf8, toBase64 } from '#core/octets';
import { Hsm } from '#hsm';
import { Metrics, systemClock } from '#platform';
import { Trees, type Step, type Tree } from '#tree';
import { noteFormat, quietLogger } from './fresh-trees.js';
import type { Opening, Question, ReplicaState } from './separate-replica.js';

const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

function failure(error: unknown): object {
  if (isFault(error)) return { fault: { kind: error.kind, code: error.code, message: error.message } };
  return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

async function open(opening: Opening): Promise<{ tree: Tree; close: () => Promise<void> }> {
  const { database, host, directory, hsm: options, uri, origin, killAt } = opening;
  const pool = new pg.Pool({
    host: host ?? database.host,
    port: database.port,
    database: database.name,
    user: database.runtimeUser,
    max: 6,
  });
  pool.on('error', () => undefined);
  const hsm = await Hsm.open(options);
  let armed = false;
  const trees = new Trees({
    pool,
    directory,
    clock: systemClock,
    logger: quietLogger,
    metrics: new Metrics(false),
    barrier: (step: Step) => {
      if (armed && step === killAt) process.kill(process.pid, 'SIGKILL');
    },
  });
  const signer = await hsm.headSigner(uri, origin);
  const tree = await trees.open({ name: 'test/a', origin, format: noteFormat(origin, signer) });
  armed = true;
  return {
    tree,
    close: async () => {
      await trees.close();
      await hsm.close();
      await pool.end();
    },
  };
}

function stateOf(tree: Tree): ReplicaState {
  const head = tree.size === 0n ? undefined : tree.head();
  return {
    size: tree.size.toString(),
    root: head === undefined ? undefined : toBase64(head.root),
    quarantine: tree.quarantine?.code,
  };
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
try {
  const { tree, close } = await open(JSON.parse(String(first.value)) as Opening);
  say({ id: 0, state: stateOf(tree) });
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const question = JSON.parse(line.value) as Question;
    if (question.ask === 'close') break;
    if (question.ask === 'state') say({ id: question.id, state: stateOf(tree) });
    else {
      tree.append({ body: fromUtf8(question.body), kind: 'test/1' }).then(
        ({ index, head }) =>
          say({
            id: question.id,
            appended: { index: index.toString(), size: head.size.toString(), root: toBase64(head.root) },
          }),
        (error: unknown) => say({ id: question.id, ...failure(error) }),
      );
    }
  }
  await close();
} catch (error) {
  say({ id: 0, ...failure(error) });
}
process.exit(0);
