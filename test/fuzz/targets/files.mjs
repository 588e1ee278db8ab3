import { mkdtempSync, writeFileSync, mkdirSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { file, made } from '../seeds/seeds.mjs';
import { fromBuild, holds } from '../targets.mjs';

const ceremony = await fromBuild('libs/ceremony/src/index.js');
const identity = await fromBuild('libs/identity/src/index.js');

/** The whole script costs thirty milliseconds to read, most of it the YAML: its beginning has steps of many kinds. */
const wholeScript = file('ceremony/genesis.yaml');
const script = stringify({ ...parse(wholeScript), steps: parse(wholeScript).steps.slice(0, 9) });
const plan = JSON.parse(made.plan);
const issuers = [
  made.issuers,
  `oidc-issuers:
  https://gitlab.example:
    issuer-url: https://gitlab.example
    client-id: sigstore
    type: ci-provider
    ci-provider: gitlab
  https://mail.example: {issuer-url: https://mail.example, client-id: sigstore, type: email, issuer-claim: $.federated_claims.connector_id}
meta-issuers:
  https://oidc.eks.*.amazonaws.com/id/*: {client-id: sigstore, type: kubernetes}
ci-issuer-metadata:
  gitlab:
    default-template-values: {url: https://gitlab.example}
    extension-templates: {build-signer-uri: "https://{{ .ci_config_ref_uri }}", run-invocation-uri: "{{.url}}/{{ .project_path }}/-/jobs/{{ .job_id }}"}
    subject-alternative-name-template: "https://{{ .ci_config_ref_uri }}"
`,
  JSON.stringify({
    OIDCIssuers: {
      'https://a.example': { IssuerURL: 'https://a.example', ClientID: 'sigstore', Type: 'email' },
    },
  }),
];

/** A schema answers; it never throws, whatever the value. */
const schema = (id, seeds) => ({
  id,
  form: 'json',
  takes: 'value',
  seeds,
  run: (read, value) => holds(typeof read(value).success === 'boolean', 'a schema answers'),
});
const yamlJson = (text, read) => JSON.stringify(read(text));

const scratch = mkdtempSync(join(tmpdir(), 'airseal-fuzz-files-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Journals are opened by name: the file of that name gets the input first. */
const journal = {
  directory: scratch,
  key: new Uint8Array(Buffer.from(made.journals[3].split('\t')[1], 'hex')),
  origin: made.journals[3].split('\t')[2].split('\n')[0],
};
const journalFolder = join(scratch, Buffer.from(journal.key).toString('hex').slice(0, 32));
mkdirSync(journalFolder);
const journalPath = join(
  journalFolder,
  `${createHash('sha256').update(journal.origin).digest('hex').slice(0, 32)}.journal`,
);
const newest = (text) => text.slice(0, text.lastIndexOf('\n') + 1);

export const targets = [
  {
    id: 'platform:parseSettings',
    form: 'yaml',
    seeds: [made.settings],
    run: (read, text) => holds(typeof read(text).mode === 'string', 'settings have a mode'),
  },
  {
    id: 'platform:loadSettings',
    form: 'yaml',
    seeds: [made.settings],
    run: (read, text) => read(written('settings.yaml', text)),
  },
  {
    id: 'platform:readSecret',
    form: 'text',
    seeds: ['a secret\n'],
    run: (read, text) => holds(typeof read(written('secret', text, 0o600)) === 'string', 'a secret is text'),
  },
  schema('platform:Settings', [yamlJson(made.settings, parse)]),
  schema('platform:TokenSettings', [
    '{"module":"/usr/lib/x.so","uri":"pkcs11:token=a","pinSource":"/etc/pin","environment":{"A":"b"}}',
  ]),
  {
    id: 'instance:parseInstance',
    form: 'yaml',
    seeds: [made.instance],
    run: (read, text) => holds(typeof read(text).name === 'string', 'an instance has a name'),
  },
  schema('instance:Instance', [yamlJson(made.instance, parse)]),
  schema('instance:Mode', ['"evaluation"']),
  {
    id: 'instance:parseTrustMaterial',
    form: 'json',
    takes: 'text',
    seeds: [made.trustMaterial],
    run: (read, text) =>
      holds(
        JSON.stringify(read(text)) === JSON.stringify(read(JSON.stringify(read(text)))),
        'trust material comes back',
      ),
  },
  schema('instance:TrustMaterial', [made.trustMaterial]),
  {
    id: 'identity:parseIssuersFile',
    form: 'yaml',
    seeds: issuers,
    run(read, text) {
      const known = read(text);
      for (const issuer of ['https://gitlab.example', 'https://oidc.eks.a.amazonaws.com/id/B', ''])
        identity.issuerFor(known, issuer);
    },
  },
  {
    id: 'identity/template:compileTemplate',
    beyond: { file: 'libs/identity/src/template.ts', name: 'compileTemplate', way: 'function' },
    form: 'text',
    seeds: [
      'https://{{ .ci_config_ref_uri }}',
      '{{.url}}/{{ .project_path }}/-/jobs/{{ .job_id }}',
      '{{if .a}}{{ .b }}{{else}}c{{end}}',
    ],
    seedsMayBeRefused: true,
  },
  {
    id: 'ceremony:parseScript',
    form: 'yaml',
    seeds: [script, yamlJson(script, parse)],
    run: (read, text) => holds(read(text).steps.length >= 0, 'a script has steps'),
  },
  schema('ceremony:Script', [yamlJson(script, parse)]),
  schema(
    'ceremony:Step',
    plan.steps.slice(0, 12).map((step) => JSON.stringify(step)),
  ),
  schema('ceremony:Plan', [made.plan]),
  schema('ceremony:PlanParameters', [JSON.stringify(plan.parameters)]),
  { id: 'ceremony:parseBindings', form: 'yaml', seeds: [made.bindings] },
  {
    id: 'ceremony:compilePlan',
    form: 'yaml',
    seeds: [script],
    run(compile, text) {
      const compiled = compile(text, ceremony.parseScript(text), plan.parameters);
      holds(/^[0-9a-f]{64}$/.test(ceremony.planHash(compiled)), 'a plan has a hash');
    },
  },
  {
    id: 'ceremony/plan:parameters',
    beyond: { file: 'libs/ceremony/src/index.ts', name: 'compilePlan', way: 'function' },
    form: 'json',
    takes: 'value',
    seeds: [JSON.stringify(plan.parameters)],
    run(compile, value) {
      const parameters = ceremony.PlanParameters.safeParse(value);
      if (parameters.success) compile(script, ceremony.parseScript(script), parameters.data);
    },
  },
  {
    id: 'hsm/agent/journal-file:JournalFile.open',
    beyond: { file: 'libs/hsm/src/agent/journal-file.ts', name: 'JournalFile.open', way: 'static' },
    form: 'text',
    takes: 'octets',
    seeds: [made.journals[3], newest(made.journals[3].split('\n').slice(0, 3).join('\n') + '\n')],
    async run(open, input) {
      writeFileSync(journalPath, input);
      const opened = await open(journal, () => new Date(0));
      await opened?.close();
    },
  },
];

function written(name, text, mode = 0o644) {
  const path = join(scratch, name);
  writeFileSync(path, text, { mode });
  return path;
}
