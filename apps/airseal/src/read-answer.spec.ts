import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { askDoor } from './ask-door.js';
import { get } from './commands/log.command.js';
import { readAnswer } from './read-answer.js';

const Shape = z.object({ size: z.string() });

test('an answer of the right shape is read', () => {
  expect(readAnswer(Shape, 'https://log.test', '{"size":"1","more":2}')).toEqual({ size: '1' });
});

test.each(['', '<html>sign in</html>', 'null', '[]', '5', '{}', '{"size":1}', '{"size":'])(
  '%j instead of an answer is a fault that names the server, and no defect',
  (answer) => {
    expect(() => readAnswer(Shape, 'https://log.test', Buffer.from(answer))).toThrow(
      expect.objectContaining({
        kind: 'unavailable',
        code: 'cli/strange-answer',
        message: expect.stringContaining('https://log.test'),
      }),
    );
  },
);

describe('a server that', () => {
  const server = createServer((request, response) => {
    if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      setImmediate(() => response.destroy());
      return;
    }
    const [, status = '', body = ''] = (request.url ?? '').split('/');
    response.writeHead(Number(status));
    response.end(decodeURIComponent(body));
  });
  let base = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test('hangs up in the middle of its answer was not reached', async () => {
    await expect(askDoor({ output: 'text' }, `${base}/cut`)).rejects.toMatchObject({
      code: 'cli/appliance-unreachable',
    });
    await expect(get({ output: 'text' }, `${base}/cut`)).rejects.toMatchObject({
      code: 'cli/log-unreachable',
    });
  });

  test.each(['', 'null', '5', '[]', '{"type":"about:blank","detail":"no"}', '{"type":5,"detail":5}'])(
    'refuses with %j is told of by its status',
    async (body) => {
      const url = `${base}/502/${encodeURIComponent(body)}`;
      await expect(askDoor({ output: 'text' }, url)).rejects.toMatchObject({
        kind: 'unavailable',
        code: 'cli/refused',
        message: `${url} answered 502`,
      });
    },
  );

  test('refuses as the appliance does is told of in its words', async () => {
    const body = JSON.stringify({ type: 'urn:airseal:fault:statement/not-logged', detail: 'log it first' });
    await expect(
      askDoor({ output: 'text' }, `${base}/404/${encodeURIComponent(body)}`),
    ).rejects.toMatchObject({ kind: 'absent', code: 'statement/not-logged', message: 'log it first' });
  });
});
