import { describe, expect, test } from '@jest/globals';
import { askByDatagram } from './ask-by-datagram.js';

describe('a question by datagram', () => {
  test('to where the kernel lets nothing go is not answered, and disturbs nobody', async () => {
    let asked = 0;
    const question = {
      // Not without being allowed to: the same answer as that of a machine whose way out is gone.
      host: '255.255.255.255',
      port: 123,
      ask: () => {
        asked += 1;
        return Uint8Array.of(0);
      },
      read: () => undefined,
    };
    const uncaught: unknown[] = [];
    const note = (error: unknown): unknown => uncaught.push(error);
    process.on('uncaughtException', note);
    try {
      await expect(askByDatagram(question)).rejects.toMatchObject({ code: 'time/no-answer' });
    } finally {
      process.off('uncaughtException', note);
    }
    expect({ asked, uncaught }).toEqual({ asked: 0, uncaught: [] });
  });
});
