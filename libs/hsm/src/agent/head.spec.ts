import { expect, test } from '@jest/globals';
import { sthSignedInput } from '#core/ct';
import { formatCheckpoint } from '#core/note';
import { fromUtf8, toBase64 } from '#core/octets';
import { readHead } from './head.js';

const root = new Uint8Array(32).fill(7);

test.each(['log.example', 'log.example - 1193050959916656506'])('reads checkpoints of %s', (origin) => {
  expect(readHead(fromUtf8(formatCheckpoint({ origin, size: 42n, root })))).toEqual({ origin, size: 42n, root });
  const frozen = formatCheckpoint({ origin, size: 42n, root, extensions: ['Log frozen'] });
  expect(readHead(fromUtf8(frozen))).toEqual({ origin, size: 42n, root });
});

test('reads tree heads of certificate logs, whatever their time', () => {
  for (const time of [0n, 1_700_000_000_000n])
    expect(readHead(sthSignedInput(time, 42n, root))).toEqual({ origin: 'rfc6962', size: 42n, root });
});

test.each([
  ['a leading zero', `log\n042\n${toBase64(root)}\n`],
  ['a sign', `log\n+42\n${toBase64(root)}\n`],
  ['no last newline', `log\n42\n${toBase64(root)}`],
  ['spaces', `log\n 42 \n${toBase64(root)}\n`],
  ['no padding', `log\n42\n${toBase64(root).slice(0, 43)}\n`],
  ['an empty origin', `\n42\n${toBase64(root)}\n`],
  ['a carriage return', `log\r\n42\r\n${toBase64(root)}\r\n`],
])('doubts what a lenient reader could take for a checkpoint: %s', (_what, text) => {
  expect(readHead(fromUtf8(text))).toBe('doubtful');
});

test.each([
  ['an entry timestamp', fromUtf8('{"body":"","integratedTime":1,"logID":"","logIndex":1}')],
  ['a promise of a certificate log', new Uint8Array(50)],
  ['a certificate', Uint8Array.of(0x30, 0x0a, 0x31, 0x0a, ...new Uint8Array(60))],
  ['a page', fromUtf8('# Title\n\n42 things\n')],
])('takes %s for nothing of the kind', (_what, message) => {
  expect(readHead(message)).toBeUndefined();
});
