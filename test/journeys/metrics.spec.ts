/** What boards of the upstream services ask for is there, and moves when it is used. */
import { describe, expect, test } from '@jest/globals';
import { get as httpGet } from 'node:http';
import { installation } from '../kit/index.js';
import { dsseV1, envelope, hashedRekordOverEnvelopeV2, hashedRekordV1, hashedRekordV2 } from './proposals.js';
import { certified } from './signer.js';
import { timestampRequest } from './timestamp-requests.js';
import { ask, post } from './wire.js';

const { origin, shardOrigin, adminSocket } = installation();

/** The text of `/metrics` on the administrators' socket. */
function metricsText(): Promise<string> {
  return new Promise((resolve, reject) => {
    httpGet({ socketPath: adminSocket, path: '/metrics' }, (response) => {
      expect(response.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

/** Each series by its name and labels, in the order of the alphabet. */
function seriesOf(text: string): ReadonlyMap<string, number> {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const sorted = labels === '' ? '' : `{${(labels.match(/\w+="[^"]*"/g) ?? []).sort().join(',')}}`;
    series.set(name + sorted, Number(value));
  }
  return series;
}

describe('the metrics', () => {
  test('count what was asked of each door, under the names, labels and units that boards know', async () => {
    const proposer = await certified();
    const before = seriesOf(await metricsText());
    const asked = performance.now();
    const answers = [
      await post(origin, '/api/v1/log/entries', hashedRekordV1(proposer, 'metrics')),
      await post(origin, '/api/v1/log/entries', dsseV1(proposer, 'metrics')),
      await ask(origin, { path: '/api/v1/log/' }),
      await ask(origin, { path: `/api/v1/log/entries/${'0'.repeat(64)}` }),
      await post(shardOrigin, '/api/v2/log/entries', hashedRekordV2(proposer, 'metrics')),
      await post(
        shardOrigin,
        '/api/v2/log/entries',
        hashedRekordOverEnvelopeV2(proposer, envelope(proposer, 'metrics')),
      ),
      await ask(shardOrigin, { path: '/api/v2/checkpoint' }),
      await ask(shardOrigin, { path: '/api/v2/tile/0/x000' }),
      await ask(origin, { path: '/api/v2/trustBundle' }),
      await ask(origin, {
        method: 'POST',
        path: '/api/v1/timestamp',
        headers: { 'Content-Type': 'application/timestamp-query' },
        body: timestampRequest(),
      }),
    ];
    const tookMs = performance.now() - asked;
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 200, 404, 201, 201, 200, 404, 200, 200]);
    // Counted after the answer has left.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const after = seriesOf(await metricsText());
    const grown = (name: string): number => (after.get(name) ?? NaN) - (before.get(name) ?? 0);

    expect(
      Object.fromEntries(
        [
          'rekor_new_entries{kind="hashedrekord"}',
          'rekor_new_entries{kind="dsse"}',
          'rekor_qps_by_api{code="201",method="POST",path="/api/v1/log/entries"}',
          'rekor_qps_by_api{code="404",method="GET",path="/api/v1/log/entries/{entryUUID}"}',
          'rekor_qps_by_api{code="200",method="GET",path="/api/v1/log"}',
          'rekor_api_latency_count{code="201",path="/api/v1/log/entries"}',
          'rekor_latency_by_api_count{method="POST",path="/api/v1/log/entries"}',
          'rekor_v2_new_hashedrekord_entries',
          'rekor_v2_http_requests_total{code="201",method="post"}',
          'rekor_v2_http_requests_total{code="200",method="get"}',
          'rekor_v2_http_requests_total{code="404",method="get"}',
          'rekor_v2_http_api_latency_count{code="201",method="post"}',
          'rekor_v2_inclusion_proof_failure_total',
        ].map((name) => [name, grown(name)]),
      ),
    ).toEqual({
      'rekor_new_entries{kind="hashedrekord"}': 1,
      'rekor_new_entries{kind="dsse"}': 1,
      'rekor_qps_by_api{code="201",method="POST",path="/api/v1/log/entries"}': 2,
      'rekor_qps_by_api{code="404",method="GET",path="/api/v1/log/entries/{entryUUID}"}': 1,
      'rekor_qps_by_api{code="200",method="GET",path="/api/v1/log"}': 1,
      'rekor_api_latency_count{code="201",path="/api/v1/log/entries"}': 2,
      'rekor_latency_by_api_count{method="POST",path="/api/v1/log/entries"}': 2,
      rekor_v2_new_hashedrekord_entries: 2,
      'rekor_v2_http_requests_total{code="201",method="post"}': 2,
      'rekor_v2_http_requests_total{code="200",method="get"}': 1,
      'rekor_v2_http_requests_total{code="404",method="get"}': 1,
      'rekor_v2_http_api_latency_count{code="201",method="post"}': 2,
      rekor_v2_inclusion_proof_failure_total: 0,
    });
    // Nanoseconds in v1, seconds in v2, as upstream has it.
    const nanoseconds = grown('rekor_latency_by_api_sum{method="POST",path="/api/v1/log/entries"}');
    const seconds = grown('rekor_v2_http_api_latency_sum{code="201",method="post"}');
    for (const ms of [nanoseconds / 1e6, seconds * 1000]) {
      expect(ms).toBeGreaterThan(1);
      expect(ms).toBeLessThan(tookMs);
    }
  });

  test('know every name of the upstream services that has a meaning here', async () => {
    const names = new Set([...seriesOf(await metricsText()).keys()].map((name) => name.replace(/\{.*/, '')));
    expect(
      [
        'build_info',
        'fulcio_api_latency_count',
        'fulcio_new_certs',
        'http_requests_total',
        'rekor_checkpoint_publish',
        'timestamp_authority_api_latency_count',
        'timestamp_authority_certificate_valid_days_remaining',
        'timestamp_authority_http_requests_total',
      ].filter((name) => !names.has(name)),
    ).toEqual([]);
  });
});
