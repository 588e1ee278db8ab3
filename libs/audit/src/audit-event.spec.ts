import { describe, expect, test } from '@jest/globals';
import { toUtf8 } from '#core/octets';
import { formatEvent, uuid7 } from './audit-event.js';
import { CATALOGUE, type EventCode } from './event-catalogue.js';

const recorded = {
  uid: '019aa5b1-c000-7000-8000-000000000001',
  timeMs: Date.UTC(2026, 10, 22, 1, 2, 3),
  node: 'a:8443',
  version: '0.1.0',
};

describe('an audit event', () => {
  test('is spelt in one way, whatever the order in which it was said', () => {
    const octets = formatEvent(
      { code: 'ca.cert.issued', outcome: 'intended', cert: { spkiSha256: 'bb', serial: 'aa' } },
      recorded,
    );
    expect(toUtf8(octets)).toBe(
      '{"cert":{"serial":"aa","spkiSha256":"bb"},"code":"ca.cert.issued","node":"a:8443","number":201,' +
        '"outcome":"intended","product":{"version":"0.1.0"},"schema":"airseal/audit-event/ca.cert.issued/v1",' +
        '"severity":"info","time":"2026-11-22T01:02:03.000Z","uid":"019aa5b1-c000-7000-8000-000000000001"}',
    );
  });

  test('keeps code, number, severity and shape for ever', () => {
    const listed = (Object.keys(CATALOGUE) as EventCode[]).map(
      (code) => `${CATALOGUE[code].number} ${code} ${CATALOGUE[code].severity} v${CATALOGUE[code].version}`,
    );
    expect(listed).toEqual([
      '110 api_token.created medium v1',
      '111 api_token.revoked medium v1',
      '201 ca.cert.issued info v1',
      '202 ca.cert.denied low v1',
      '203 ca.cert.sct_failed high v1',
      '204 ca.cert.lint_failed high v1',
      '303 log.checkpoint.published info v1',
      '306 log.consistency.failed critical v1',
      '307 log.fork.detected critical v1',
      '320 log.statement.deposited info v1',
      '321 log.statement.refused low v1',
      '322 log.index.mended high v1',
      '404 clock.untrusted high v1',
      '404 clock.trusted info v1',
      '603 trusted_root.changed high v1',
      '708 hsm.audit_log.gap high v1',
      '709 hsm.sign_count.mismatch critical v1',
      '712 hsm.sign.refused high v1',
      '713 hsm.uses.counted info v1',
      '801 user.created medium v1',
      '801 user.enabled medium v1',
      '801 user.disabled medium v1',
      '801 user.deleted medium v1',
      '801 user.password.reset medium v1',
      '801 user.password.set medium v1',
      '806 config.changed medium v1',
      '811 appliance.updated medium v1',
      '1001 audit.checkpoint info v1',
      '1101 service.started info v1',
      '1101 service.stopped medium v1',
      '1101 service.crashed high v1',
      '1105 clock.source.lost medium v1',
      '1105 clock.source.recovered info v1',
      '1105 clock.disagreement high v1',
      '1105 clock.holdover.started medium v1',
      '1105 clock.holdover.ended info v1',
      '1105 clock.jumped high v1',
      '1105 clock.floor high v1',
      '1108 clock.observed info v1',
      '1109 clock.declared high v1',
    ]);
  });

  test('that no leaf could hold is refused before anything happens', () => {
    expect(() => formatEvent({ code: 'config.changed', reason: 'x'.repeat(60_000) }, recorded)).toThrow(
      /cannot be recorded/,
    );
  });

  test('has an identifier that sorts by time', () => {
    const random = new Uint8Array(10).fill(0xff);
    expect(uuid7(Date.UTC(2026, 10, 22), random)).toBe('01a2008d-7400-7fff-bfff-ffffffffffff');
    expect(uuid7(1, random) < uuid7(2, new Uint8Array(10))).toBe(true);
  });
});
