import { closeSync, openSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Fault } from '#core/fault';
import { createLogger, logDestination, logError } from './logging.js';

function heldLog(): {
  lines: Record<string, unknown>[];
  text: () => string;
  log: ReturnType<typeof createLogger>;
} {
  const raw: string[] = [];
  const log = createLogger(
    { mode: 'evaluation', log: { level: 'info' } },
    { write: (line: string) => void raw.push(line) },
  );
  return {
    log,
    text: () => raw.join(''),
    get lines() {
      return raw.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

describe('the log', () => {
  test('is JSON, one object per line, with level, time and mode', () => {
    const held = heldLog();
    held.log.info({ requestId: 'abc' }, 'answered');
    expect(held.lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/Z$/),
        app: 'airseal',
        mode: 'evaluation',
        requestId: 'abc',
        msg: 'answered',
      },
    ]);
  });

  test('strikes secrets by key and by look', () => {
    const held = heldLog();
    held.log.info(
      { pin: '1234-pin', headers: { authorization: 'Basic abc-auth' }, a: { b: { password: 'pw-x' } } },
      'x',
    );
    held.log.warn(
      { err: new Error('refused: Bearer tok-en.x and eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln') },
      'y',
    );
    held.log.warn('pkcs11:token=t?pin-value=98765;x');
    expect(held.text()).not.toMatch(/1234-pin|abc-auth|pw-x|tok-en|eyJzdWIi|98765/);
  });

  test('keeps a fault’s code and cause, and a defect’s stack', () => {
    const held = heldLog();
    logError(
      held.log,
      new Fault('unavailable', 'hsm/away', 'the token is away', { cause: new Error('CKR 0x30') }),
    );
    logError(held.log, new TypeError('x is undefined'));
    expect(held.lines[0]).toMatchObject({
      level: 'warn',
      err: { code: 'hsm/away', cause: { message: 'CKR 0x30' } },
    });
    expect(held.lines[1]).toMatchObject({
      level: 'error',
      err: { type: 'TypeError', stack: expect.any(String) },
    });
  });

  test('goes on while its disk is full', () => {
    const fd = openSync('/dev/full', 'w');
    try {
      const logger = createLogger({ mode: 'evaluation', log: { level: 'info' } }, logDestination(fd));
      for (let n = 0; n < 3; n++) logger.info('a line that finds no room');
    } finally {
      closeSync(fd);
    }
  });
});
