import { describe, expect, test } from '@jest/globals';
import { compileTemplate } from './template.js';

// The cases of upstream's own table (fulcio, pkg/identity/ciprovider/principal_test.go), with its results.
const VALUES = {
  url: 'https://github.com',
  claim_foo: 'bar',
  default_foo: 'default_bar',
  empty_value: '',
  aud: 'sigstore',
  repository: 'sigstore/fulcio',
  run_id: '42',
  run_attempt: '1',
  job_workflow_ref: 'sigstore/fulcio/.github/workflows/foo.yaml@refs/heads/main',
  ref_type: 'branch',
  ref_gitlab: 'main',
  ref_type_tag: 'tag',
  ref_tag: '1.0.0',
  html_claim: '<alert()/>',
  'with.dot.and/slash': 'cat',
};

const rendered = (source: string): string => compileTemplate(source)(VALUES);

describe('a template of the issuers file', () => {
  test.each([
    [
      '{{ .url }}/{{ .repository }}/actions/runs/{{ .run_id }}/attempts/{{ .run_attempt }}',
      'https://github.com/sigstore/fulcio/actions/runs/42/attempts/1',
    ],
    ['{{ .html_claim }}', '<alert()/>'],
    ['job_workflow_ref', 'sigstore/fulcio/.github/workflows/foo.yaml@refs/heads/main'],
    ['refs/{{if eq .ref_type "branch"}}heads/{{ else }}tags/{{end}}{{ .ref_gitlab }}', 'refs/heads/main'],
    ['refs/{{if eq .ref_type_tag "branch"}}heads/{{ else }}tags/{{end}}{{ .ref_tag }}', 'refs/tags/1.0.0'],
    ['{{ .aud }}/{{(index . "with.dot.and/slash")}}', 'sigstore/cat'],
    ['default_foo', 'default_bar'],
    ['empty_value', ''],
    ['{{if eq (index . "oidc.circleci.com/ssh-rerun") "true"}}ssh-rerun{{ else }}""{{end}}', '""'],
    ['a {{- /* nothing */ -}} b {{- .claim_foo -}} c', 'abbarc'],
    ['{{if .empty_value}}x{{else if eq .claim_foo "nope" "bar"}}y{{else}}z{{end}}', 'y'],
    ['{{if and .claim_foo (not .empty_value)}}x{{end}}', 'x'],
    ['{{if or .empty_value (ne .aud "sigstore")}}x{{end}}', ''],
    ['{{ "a\\"b" }}{{ `c` }}', 'a"bc'],
  ])('%s', (source, expected) => {
    expect(rendered(source)).toBe(expected);
  });

  test.each(['{{ .foo }}', 'bar', ''])('refuses a token that lacks what "%s" names', (source) => {
    expect(() => rendered(source)).toThrow(expect.objectContaining({ code: 'identity/claim-missing' }));
  });

  test.each([
    '{{}}',
    '{{ .a.b }}',
    '{{ printf "%s" .url }}',
    '{{ range . }}x{{ end }}',
    '{{ if .url }}x',
    'x{{ end }}',
    '{{ .url',
    '{{ .url .url }}',
    '{{ .url | len }}',
    '{{ ( .url }}',
  ])('refuses to compile %s', (source) => {
    expect(() => compileTemplate(source)).toThrow(expect.objectContaining({ code: 'identity/template' }));
  });

  test('never compares or prints all claims at once', () => {
    for (const source of ['{{if eq . ""}}foo{{else}}bar{{end}}', '{{ . }}']) {
      expect(() => rendered(source)).toThrow(expect.objectContaining({ code: 'identity/template' }));
    }
  });

  test('reads no member of a prototype', () => {
    expect(() => rendered('{{ .constructor }}')).toThrow(
      expect.objectContaining({ code: 'identity/claim-missing' }),
    );
  });
});
