/** Statements beside the logs, and one search over both: through the built appliance and its command line. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { airseal, installation } from '../kit/index.js';
import {
  dsseV1,
  envelope,
  hashedRekordOverEnvelopeV2,
  hashedRekordV1,
  hashedRekordV2,
  nameOfStatement,
} from './proposals.js';
import { expectProblem } from './refusals.js';
import { certified, type Certified, Holder, sha256 } from './signer.js';
import { type Answer, ask, askHttp2, exchange, post } from './wire.js';

type Wrapped = ReturnType<typeof envelope>;

interface Found {
  readonly trees: readonly {
    readonly face: string;
    readonly tree: string;
    readonly size: string;
    readonly checkpoint: string;
    readonly coverage?: Readonly<Record<string, string>>;
  }[];
  readonly hits: readonly {
    readonly face: string;
    readonly logIndex: string;
    readonly kind: string;
    readonly entryId?: string;
    readonly signers: readonly { readonly identities: readonly string[]; readonly issuer?: string }[];
    readonly statement?: { readonly sha256: string };
    readonly links: { readonly entry: string; readonly statement?: string };
  }[];
  readonly next?: string;
}

const TYPE = { 'Content-Type': 'application/vnd.dsse.envelope.v1+json' };
let directory: string;
let who: Certified;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airseal-statements-'));
  who = await certified();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function put(name: string, body: unknown, headers: Readonly<Record<string, string>> = TYPE): Promise<Answer> {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return ask(installation().origin, {
    method: 'PUT',
    path: `/airseal/v1/statements/${name}`,
    headers,
    body: text,
  });
}

/** A deposit that announces a body of this length: a refusal need not wait for it. */
function announcePut(name: string, length: number): Promise<Answer> {
  const { origin } = installation();
  const head = `PUT /airseal/v1/statements/${name} HTTP/1.1\r\nHost: ${new URL(origin).host}\r\nConnection: close\r\nContent-Type: application/json\r\n`;
  return exchange(origin, Buffer.from(`${head}Content-Length: ${length}\r\n\r\n{"payload":"`));
}

function get(path: string): Promise<Answer> {
  return ask(installation().origin, { path: `/airseal/v1/${path}` });
}

async function search(question: Readonly<Record<string, string>>): Promise<Found> {
  const answer = await get(`search?${new URLSearchParams(question).toString()}`);
  expect(answer.status).toBe(200);
  return JSON.parse(answer.text) as Found;
}

async function logOnV2(wrapped: Wrapped, proposer: Certified = who): Promise<void> {
  const { shardOrigin } = installation();
  const answer = await post(
    shardOrigin,
    '/api/v2/log/entries',
    hashedRekordOverEnvelopeV2(proposer, wrapped),
  );
  expect(answer.status).toBe(201);
}

describe('a statement', () => {
  test('that came with a v1 entry is found by its subject at once, and given out as it was sent', async () => {
    const thing = `v1 ${Date.now()}`;
    const wrapped = envelope(who, thing);
    const made = await post(installation().origin, '/api/v1/log/entries', dsseV1(who, thing, wrapped));
    expect(made.status).toBe(201);
    const found = await search({ subject: sha256(thing).toString('hex') });
    expect(found.hits).toHaveLength(1);
    expect(found.hits[0]).toMatchObject({ face: 'v1', kind: 'dsse/0.0.1', entryId: made.headers['etag'] });
    const [{ links }] = found.hits as [Found['hits'][0]];
    const entry = await ask(installation().origin, { path: links.entry });
    expect(JSON.parse(entry.text)).toHaveProperty([made.headers['etag'] ?? '']);
    const kept = await ask(installation().origin, { path: links.statement ?? '' });
    expect(kept.text).toBe(JSON.stringify(wrapped));
    expect(kept.headers['content-type']).toBe('application/vnd.dsse.envelope.v1+json');
    expect(kept.headers['x-content-type-options']).toBe('nosniff');
  });

  test('of a v2 entry is found once it is deposited: first 201, then 200, octet for octet', async () => {
    const thing = `v2 ${Date.now()}`;
    const wrapped = envelope(who, thing);
    const name = nameOfStatement(wrapped);
    expectProblem('before it is logged', await put(name, wrapped), 404);
    await logOnV2(wrapped);
    const subject = sha256(thing).toString('hex');
    expect((await search({ subject })).hits).toEqual([]);
    expectProblem('before it is deposited', await get(`statements/${name}`), 404);

    const body = `${JSON.stringify(wrapped, undefined, 1)}\n`;
    expect((await put(name, body)).status).toBe(201);
    expect((await put(name, body)).status).toBe(200);
    expect((await put(name, wrapped)).status).toBe(200);
    expect((await get(`statements/${name}`)).text).toBe(body);
    const found = await search({ subject });
    expect(found.hits.map(({ face, statement }) => [face, statement?.sha256])).toEqual([['v2', name]]);
    const bundle = await ask('https:' + found.hits[0]?.links.entry.slice('https:'.length), {
      path: new URL(found.hits[0]?.links.entry ?? '').pathname,
    });
    expect(bundle.status).toBe(200);
    const entries = await get(`statements/${name}/entries`);
    expect(JSON.parse(entries.text)).toMatchObject({
      statement: name,
      envelopes: [{ face: 'v2', sha256: sha256(body).toString('hex') }],
    });
  });

  test('is deposited as the bundle that holds it, and a hundred times at once is once', async () => {
    const wrapped = envelope(who, `bundle ${Date.now()}`);
    const name = nameOfStatement(wrapped);
    await logOnV2(wrapped);
    const bundle = { mediaType: 'x', verificationMaterial: { deep: [[[1]]] }, dsseEnvelope: wrapped };
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        put(name, bundle, { 'Content-Type': 'application/vnd.dev.sigstore.bundle.v0.3+json' }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort((a, b) => a - b);
    expect(statuses).toEqual([...Array.from({ length: 99 }, () => 200), 201]);
    expect(JSON.parse((await get(`statements/${name}`)).text)).toEqual(wrapped);
  });

  test('about ten thousand things is found by each of them', async () => {
    const at = Date.now();
    const digests = Array.from({ length: 10_000 }, (_, one) => sha256(`${at} ${one}`).toString('hex'));
    const { payload, payloadType } = pack({
      _type: 'https://in-toto.io/Statement/v1',
      subject: digests.map((digest, one) => ({ name: `${one}`, digest: { sha256: digest } })),
      predicateType: 'https://example.com/many',
      predicate: {},
    });
    const wrapped = seal(payload, payloadType);
    await logOnV2(wrapped);
    expect((await put(nameOfStatement(wrapped), wrapped)).status).toBe(201);
    for (const one of [0, 4999, 9999]) {
      expect((await search({ subject: digests[one] ?? '' })).hits).toHaveLength(1);
    }
  });
});

function pack(statement: unknown): { payload: string; payloadType: string } {
  const payload = Buffer.from(typeof statement === 'string' ? statement : JSON.stringify(statement));
  return { payload: payload.toString('base64'), payloadType: 'application/vnd.in-toto+json' };
}

function seal(payload: string, payloadType: string, by: Certified = who): Wrapped {
  const octets = Buffer.from(payload, 'base64');
  const head = Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${octets.length} `);
  const sig = by.holder.sign(Buffer.concat([head, octets])).toString('base64');
  return { payload, payloadType, signatures: [{ sig, keyid: '' }] };
}

describe('what is deposited by a stranger', () => {
  test('is refused by name, and leaves the statement that was logged alone', async () => {
    const thing = `hostile ${Date.now()}`;
    const wrapped = envelope(who, thing);
    const name = nameOfStatement(wrapped);
    await logOnV2(wrapped);
    const stranger = await certified();
    const forged = envelope(stranger, thing);
    const large = { ...wrapped, signatures: [{ ...wrapped.signatures[0], keyid: 'x'.repeat(2000) }] };
    const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`;
    const refusals: readonly (readonly [string, Promise<Answer>, number])[] = [
      ['another name', put('00'.repeat(32), wrapped), 400],
      ['no name', put('statement', wrapped), 400],
      ['another signature', put(name, forged), 422],
      [
        'a further signature',
        put(name, { ...wrapped, signatures: [...wrapped.signatures, ...forged.signatures] }),
        422,
      ],
      ['no signature', put(name, { ...wrapped, signatures: [] }), 400],
      ['a member that nobody signed', put(name, { ...wrapped, note: 'trust me' }), 400],
      ['a long keyid', put(name, large), 400],
      ['another payload', put(name, { ...wrapped, payload: forged.payload.slice(4) }), 400],
      ['deep JSON', put(name, deep), 400],
      ['no JSON', put(name, 'PK\u0003\u0004'), 400],
      ['nothing', put(name, ''), 400],
      ['another type', put(name, wrapped, { 'Content-Type': 'text/html' }), 400],
      ['too much', announcePut(name, 6_000_000), 413],
    ];
    for (const [what, answer, status] of refusals) expectProblem(what, await answer, status);
    expectProblem('nothing is kept', await get(`statements/${name}`), 404);
    expect((await put(name, wrapped)).status).toBe(201);
    expectProblem('nor afterwards', await put(name, forged), 422);
    expect(JSON.parse((await get(`statements/${name}`)).text)).toEqual(wrapped);
  });

  test('may claim anything in any script: what is no statement is kept, and has no subject', async () => {
    const before = await search({ predicate: 'x', face: 'v2' });
    const odd = [
      {
        subject: [{ name: '𝕏\u0000', digest: { ſha256: 'Ⅷ', sha256: '\u202e' } }, null, 7],
        predicateType: 'ΑΒΓ',
      },
      { subject: { digest: { sha256: 'ab' } }, predicateType: 7 },
      {
        subject: Array.from({ length: 50 }, () => ({ name: 'again', digest: { sha256: 'aa' } })),
        predicateType: '',
      },
    ];
    const texts = [...odd.map((one) => JSON.stringify(one)), '{"subject":', ''];
    for (const text of texts) {
      const { payload, payloadType } = pack(text);
      const wrapped = seal(payload, payloadType);
      await logOnV2(wrapped);
      const answer = await put(nameOfStatement(wrapped), wrapped);
      expect([text, answer.status, answer.text.slice(0, 200)]).toEqual([text, 201, expect.any(String)]);
    }
    const after = await search({ predicate: 'x', face: 'v2' });
    const held = ({ trees }: Found): number => Number(trees[0]?.coverage?.['held']);
    expect(held(after)).toBe(held(before) + texts.length);
    expect((await search({ predicate: 'αβγ' })).hits).toHaveLength(1);
    expect((await search({ subject: 'sha256:aa' })).hits.length).toBeGreaterThan(0);
  });
});

describe('a search', () => {
  test('finds a file in both faces by digest, identity, issuer and key, and names the range it covers', async () => {
    const { origin, shardOrigin, identity } = installation();
    const file = `file ${Date.now()}`;
    const stranger = new Holder();
    expect((await post(origin, '/api/v1/log/entries', hashedRekordV1(who, file))).status).toBe(201);
    expect((await post(shardOrigin, '/api/v2/log/entries', hashedRekordV2(who, file))).status).toBe(201);
    expect((await post(origin, '/api/v1/log/entries', hashedRekordV1(stranger, file))).status).toBe(201);
    const digest = sha256(file).toString('hex');
    const all = await search({ digest });
    expect(all.hits.map(({ face }) => face)).toEqual(['v1', 'v1', 'v2']);
    for (const { checkpoint, size } of all.trees) expect(checkpoint.split('\n')[1]).toBe(size);
    expect(all.trees.every(({ coverage }) => coverage === undefined)).toBe(true);
    const his = await search({ digest, identity: identity.toUpperCase(), issuer: `${origin}/oidc` });
    expect(his.hits.map(({ face }) => face)).toEqual(['v1', 'v2']);
    expect(his.hits[0]?.signers).toEqual([
      expect.objectContaining({ identities: [identity], issuer: `${origin}/oidc` }),
    ]);
    for (const key of [
      stranger.pem,
      stranger.spki.toString('base64'),
      sha256(stranger.spki).toString('hex'),
    ]) {
      expect((await search({ key, digest })).hits).toHaveLength(1);
    }
    expect((await search({ digest, issuer: 'https://elsewhere.example' })).hits).toEqual([]);
    expect((await search({ digest, to: '2020-01-01T00:00:00Z' })).hits).toEqual([]);
    expect((await search({ digest, from: '2020-01-01T00:00:00Z' })).hits).toHaveLength(3);
  });

  test('refuses by name what it cannot read', async () => {
    for (const question of [
      'digest=xyz',
      'key=nokey',
      'subject=',
      'from=yesterday',
      'limit=0',
      'limit=100000',
      'cursor=abc',
      'face=v3',
      'tree=../..',
      'colour=blue',
      'identity=a&identity=b',
      `identity=${'x'.repeat(600)}`,
    ]) {
      expectProblem(question, await get(`search?${question}`), 400);
    }
    const { origin } = installation();
    expect((await askHttp2(origin, { path: '/airseal/v1/search?limit=1' })).status).toBe(200);
  });
});

describe('the command line', () => {
  test('deposits what it attests, lists it by what it is about, and fetches it again', async () => {
    const { credentials } = installation();
    const artifact = join(directory, 'app.tar');
    const predicate = join(directory, 'predicate.json');
    const kept = join(directory, 'kept.json');
    await writeFile(artifact, `what was built ${Date.now()}\n`);
    await writeFile(predicate, '{"bomFormat":"CycloneDX"}');
    const attested = await airseal(
      ...['attest-blob', '--predicate', predicate, '--type', 'cyclonedx', '--credentials', credentials],
      ...['--output', 'json', artifact],
    );
    expect(attested).toMatchObject({ code: 0 });
    const { statement } = JSON.parse(attested.stdout) as { statement: string };
    const listed = await airseal(
      ...['statement', 'list', '--about', artifact, '--predicate', 'cyclonedx', '--output', 'json'],
    );
    expect(listed).toMatchObject({ code: 0 });
    const { hits, trees } = JSON.parse(listed.stdout) as Found;
    expect(hits.map((hit) => hit.statement?.sha256)).toEqual([statement]);
    expect(trees.map(({ coverage }) => Object.keys(coverage ?? {}).sort())).toEqual(
      trees.map(() => ['entries', 'envelopes', 'held', 'missing', 'unknown']),
    );
    expect(await airseal('statement', 'get', statement, '--file', kept)).toMatchObject({ code: 0 });
    const envelopeText = await readFile(kept, 'utf8');
    expect(JSON.parse(envelopeText)).toHaveProperty('signatures');
    const again = await airseal('statement', 'put', kept, '--output', 'json');
    expect(JSON.parse(again.stdout)).toMatchObject({ statement, created: false });

    const people = await airseal('search', '--about', artifact);
    expect(people).toMatchObject({ code: 0, stderr: '' });
    expect(people.stdout).toMatch(/1 found/);
    expect(people.stdout).toMatch(/checkpoint verified; \d+ statements held, \d+ envelopes not held/);
  });

  test('deposits over the v2 log too, which saw only a digest', async () => {
    const { credentials, stateDir } = installation();
    const artifact = join(directory, 'v2.tar');
    const predicate = join(directory, 'v2.json');
    await writeFile(artifact, `what was built for v2 ${Date.now()}\n`);
    await writeFile(predicate, '{}');
    const attested = await airseal(
      ...['attest-blob', '--predicate', predicate, '--credentials', credentials],
      ...['--signing-config', join(stateDir, 'trust', 'signing_config_rekor_v2.v0.2.json'), artifact],
    );
    expect(attested).toMatchObject({ code: 0 });
    const listed = await airseal('statement', 'list', '--about', artifact, '--output', 'json');
    const { hits } = JSON.parse(listed.stdout) as Found;
    expect(hits.map(({ face, kind }) => [face, kind])).toEqual([['v2', 'hashedrekord/0.0.2']]);
  });

  test('that cannot deposit says so and what to do, and keeps the bundle', async () => {
    const { credentials, trustedRoot } = installation();
    const artifact = join(directory, 'undeposited.tar');
    const predicate = join(directory, 'undeposited.json');
    const elsewhere = join(directory, 'trusted_root.json');
    await writeFile(artifact, `undeposited ${Date.now()}\n`);
    await writeFile(predicate, '{}');
    const root = JSON.parse(await readFile(trustedRoot, 'utf8')) as { tlogs: { baseUrl: string }[] };
    // Nobody listens on the discard port.
    const [first, ...others] = root.tlogs;
    const tlogs = [{ ...first, baseUrl: 'https://127.0.0.1:9' }, ...others];
    await writeFile(elsewhere, JSON.stringify({ ...root, tlogs }));
    const attested = await airseal(
      ...['attest-blob', '--predicate', predicate, '--credentials', credentials],
      ...['--trusted-root', elsewhere, artifact],
    );
    expect(attested.code).toBe(25);
    expect(attested.stderr).toContain(`airseal statement put ${artifact}.sigstore.json`);
    const put = await airseal('statement', 'put', `${artifact}.sigstore.json`, '--output', 'json');
    expect(put).toMatchObject({ code: 0 });
  });

  test('ends with the code of what the appliance says', async () => {
    const file = join(directory, 'never-logged.json');
    await writeFile(file, JSON.stringify(envelope(who, `never ${Date.now()}`)));
    const { code, stderr } = await airseal('statement', 'put', file);
    expect(code).toBe(23);
    expect(stderr).toMatch(/log the envelope first/);
    expect(await airseal('statement', 'get', '00'.repeat(32))).toMatchObject({ code: 23 });
    expect(await airseal('search')).toMatchObject({ code: 20 });
    expect(await airseal('search', '--digest', 'zz')).toMatchObject({ code: 20 });
  });

  test('derives the index again beside the running appliance: it is what the trees say', async () => {
    const { stateDir } = installation();
    const compared = await airseal('log', 'reindex', '--check', '--output', 'json');
    expect(compared).toMatchObject({ code: 0 });
    const { equal, trees } = JSON.parse(compared.stdout) as {
      equal: boolean;
      trees: readonly Readonly<Record<string, unknown>>[];
    };
    expect(equal).toBe(true);
    expect(trees.map(({ tree }) => String(tree).split('/')[0])).toEqual(['rekor-v1', 'rekor-v2']);
    for (const one of trees) {
      expect(one).toMatchObject({ equal: true, interrupted: false, mended: 0, named: [] });
      expect(String(one['checkpoint']).split('\n')[1]).toBe(one['size']);
      expect(Number(one['statements'])).toBeGreaterThan(0);
    }
    expect(existsSync(join(stateDir, 'reindex.json'))).toBe(false);
    const mended = await airseal('log', 'reindex', '--rebuild');
    expect(mended).toMatchObject({ code: 0 });
    expect(mended.stdout).toMatch(/equal to what the leaves say, up to the checkpoint of \d+/);
    expect(await airseal('log', 'reindex')).toMatchObject({ code: 20 });
    expect(await airseal('log', 'reindex', '--check', '--tree', 'rekor-v1/never')).toMatchObject({
      code: 23,
    });
  });

  test('of an operator sees how many are held, and what was refused', async () => {
    const metrics = await adminMetrics();
    expect(metrics).toMatch(/^airseal_statement_deposits_total\{result="kept"\} [1-9]/m);
    expect(metrics).toMatch(
      /^airseal_statement_deposits_total\{result="statement\/other-signature"\} [1-9]/m,
    );
    expect(metrics).toMatch(/^airseal_statements_held\{tree="rekor-v1\/[^"]+"\} \d+$/m);
  });
});

function adminMetrics(): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath: installation().adminSocket, path: '/metrics' }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => resolve(Buffer.concat(parts).toString()));
    })
      .on('error', reject)
      .end();
  });
}
