import { PassThrough } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { BodyAllowance, collectBody, FREE_OCTETS } from './collect-body.js';

const KIB = 1024;

function send(allowance: BodyAllowance, limit = 1024 * KIB, announced?: number) {
  const stream = new PassThrough();
  const share = allowance.share();
  return { stream, share, body: collectBody(stream, { limit, announced, share, timeoutMs: 200 }) };
}

describe('a body', () => {
  test('comes together whole, and is counted beyond its free octets', async () => {
    const allowance = new BodyAllowance(1024 * KIB);
    const { stream, share, body } = send(allowance);
    stream.write(Buffer.alloc(60 * KIB, 'a'));
    stream.end(Buffer.alloc(60 * KIB, 'b'));
    const octets = await body;
    expect(octets.length).toBe(120 * KIB);
    expect(octets.subarray(60 * KIB - 1, 60 * KIB + 1).toString()).toBe('ab');
    expect(allowance.held).toBe(120 * KIB - FREE_OCTETS);
    share.giveBack();
    share.giveBack();
    expect([allowance.held, share.take(1)]).toEqual([0, false]);
  });

  test('larger than its path allows is refused, announced or not', async () => {
    const allowance = new BodyAllowance(1024 * KIB);
    await expect(send(allowance, 10, 11).body).rejects.toMatchObject({ statusCode: 413 });
    const { stream, body } = send(allowance, 100 * KIB);
    stream.write(Buffer.alloc(90 * KIB));
    stream.write(Buffer.alloc(20 * KIB));
    await expect(body).rejects.toMatchObject({ statusCode: 413 });
    expect(allowance.held).toBe(0);
  });

  test('is refused when the others hold all there is, and a small one is not', async () => {
    const allowance = new BodyAllowance(100 * KIB);
    const held = send(allowance);
    held.stream.write(Buffer.alloc(FREE_OCTETS + 90 * KIB));
    const late = send(allowance);
    late.stream.write(Buffer.alloc(FREE_OCTETS + 20 * KIB));
    await expect(late.body).rejects.toMatchObject({ code: 'server/busy', retryAfterSeconds: 2 });
    const small = send(allowance);
    small.stream.end(Buffer.alloc(FREE_OCTETS));
    expect((await small.body).length).toBe(FREE_OCTETS);
    held.stream.destroy(new Error('reset'));
    await expect(held.body).rejects.toMatchObject({ code: 'server/cut-short' });
    expect(allowance.held).toBe(0);
  });

  test('that trickles is given up', async () => {
    const allowance = new BodyAllowance(100 * KIB);
    const { stream, body } = send(allowance);
    const refused = expect(body).rejects.toMatchObject({ code: 'server/too-slow' });
    for (let n = 0; n < 4; n++) {
      stream.write(' ');
      await pause(80);
    }
    await refused;
  });

  test('of a connection that went away is never taken for a whole one', async () => {
    const allowance = new BodyAllowance(100 * KIB);
    const { stream, body } = send(allowance);
    stream.write('{}');
    stream.emit('aborted');
    stream.end();
    await expect(body).rejects.toMatchObject({ code: 'server/cut-short' });
    const short = send(allowance, 1024, 3);
    short.stream.end('{}');
    await expect(short.body).rejects.toMatchObject({ code: 'server/cut-short' });
  });
});
