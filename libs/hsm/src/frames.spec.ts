import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '#core/fault';
import {
  formatFaultBody,
  formatFrame,
  formatSignBody,
  FRAME,
  FrameReader,
  MAX_FRAME_BYTES,
  parseFaultBody,
  parseSignBody,
} from './frames.js';

test('frames survive any cutting of the stream', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(bodies, fc.integer({ min: 1, max: 30 }), (sent, step) => {
      const stream = Buffer.concat(sent.map((body, at) => formatFrame(at, FRAME.call, body)));
      const reader = new FrameReader();
      const received: Uint8Array[] = [];
      for (let at = 0; at < stream.length; at += step) {
        for (const frame of reader.read(stream.subarray(at, at + step))) {
          expect(frame.id).toBe(received.length);
          received.push(new Uint8Array(frame.body));
        }
      }
      expect(received).toEqual(sent);
    }),
  );
});

test('a length that no request has ends the conversation', () => {
  const frame = Buffer.alloc(9);
  frame.writeUInt32BE(MAX_FRAME_BYTES + 1, 0);
  expect(() => [...new FrameReader().read(frame)]).toThrow(expect.objectContaining({ code: 'hsm/frame' }));
});

test('a request to sign carries key and message', () => {
  const key = new Uint8Array(32).fill(7);
  const body = formatSignBody('pkcs11:object=ü', key, 'sct', Uint8Array.of(1, 2, 3));
  const uri = 'pkcs11:object=ü';
  expect(parseSignBody(body)).toEqual({
    uri,
    key: Buffer.from(key),
    purpose: 'sct',
    message: Buffer.from([1, 2, 3]),
  });
  expect(() => parseSignBody(body.subarray(0, 40))).toThrow(expect.objectContaining({ code: 'hsm/frame' }));
  expect(() => parseSignBody(Buffer.concat([Buffer.of(0), body.subarray(1)]))).toThrow(
    expect.objectContaining({ code: 'hsm/frame' }),
  );
});

test('a fault arrives as it was thrown, without its cause', () => {
  const fault = new Fault('unavailable', 'hsm/token-absent', 'plug it in', {
    detail: { ckr: 'CKR_TOKEN_NOT_PRESENT' },
    retryAfterSeconds: 1,
    cause: new Error('inner'),
  });
  const arrived = parseFaultBody(formatFaultBody(fault));
  expect(arrived).toMatchObject({
    kind: fault.kind,
    code: fault.code,
    message: fault.message,
    retryAfterSeconds: 1,
  });
  expect(arrived.detail).toEqual({ ckr: 'CKR_TOKEN_NOT_PRESENT' });
  expect(arrived.cause).toBeUndefined();
});

test.each([
  '',
  '{',
  'null',
  '[]',
  '{"kind":"absent"}',
  '{"kind":{"toString":0},"code":"a/b","message":"m"}',
  '{"kind":"toString","code":"a/b","message":"m"}',
  '{"kind":"absent","code":{},"message":{"toString":0}}',
])('a fault that reads as %j is one of the conversation', (text) => {
  expect(() => parseFaultBody(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'hsm/frame' }));
});
