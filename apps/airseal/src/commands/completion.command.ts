/** `airseal completion bash|zsh|fish`: made from the table of verbs, so it cannot fall behind. */
import { Fault } from '#core/fault';
import { VERBS } from '../program.js';

function words(): Map<string, Set<string>> {
  const next = new Map<string, Set<string>>([['', new Set()]]);
  const add = (after: string, word: string): void => {
    const known = next.get(after) ?? new Set<string>();
    known.add(word);
    next.set(after, known);
  };
  for (const verb of VERBS) {
    let path = '';
    for (const word of verb.path) {
      add(path, word);
      path = path === '' ? word : `${path} ${word}`;
    }
    for (const [spelling] of verb.flags ?? []) add(path, spelling.split(/[ ,]/)[0] ?? '');
    for (const global of ['--output', '--state', '--ca-file', '--help']) add(path, global);
  }
  return next;
}

function bash(): string {
  const cases = [...words()].map(
    ([path, next]) => `    ${JSON.stringify(path)}) words=${JSON.stringify([...next].join(' '))} ;;`,
  );
  return `_airseal() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _airseal airseal
`;
}

function fish(): string {
  const lines: string[] = [];
  for (const [path, next] of words()) {
    const seen =
      path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1) ?? ''}`;
    for (const word of next) {
      lines.push(
        word.startsWith('--')
          ? `complete -c airseal -n '${seen}' -l ${word.slice(2)}`
          : `complete -c airseal -n '${seen}' -a ${word}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

export function printCompletion([shell = '']: string[]): Promise<void> {
  const scripts: Readonly<Record<string, () => string>> = {
    bash,
    zsh: () => `autoload -U +X bashcompinit && bashcompinit\n${bash()}`,
    fish,
  };
  const script = scripts[shell];
  if (script === undefined)
    throw new Fault('malformed', 'cli/unknown-shell', 'completion is known for bash, zsh and fish');
  process.stdout.write(script());
  return Promise.resolve();
}
