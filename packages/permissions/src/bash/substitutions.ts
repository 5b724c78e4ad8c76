import { dirname } from 'node:path';
import type { Command, ParsedScript, ProcessSubstitutionPart } from 'unbash';
import { refuse } from '../refusal.ts';
import { deeper, type Judge } from './judge.ts';
import { isKnown, marks, staysBelow } from './marks.ts';
import { withoutErrors } from './parse.ts';
import { runScript } from './scripts.ts';
import { copyOf, type State } from './state.ts';

/** What `$(…)` can be. What it runs is judged. */
export function substitutionValues(
  judge: Judge,
  state: State,
  { script }: { script: ParsedScript | undefined },
): readonly string[] {
  if (script === undefined) refuse('substitution that cannot be parsed');
  judge.seen.add(script);
  const inner = copyOf(state);
  deeper(judge, () => runScript(judge, inner, withoutErrors(script)));
  return printed(judge, state, script) ?? [marks.any];
}

export function processSubstitution(judge: Judge, state: State, { script }: ProcessSubstitutionPart): void {
  substitutionValues(judge, state, { script });
}

/** What a script prints, where that can be told. */
function printed(judge: Judge, state: State, script: ParsedScript): readonly string[] | undefined {
  const [statement, ...more] = script.commands;
  if (statement === undefined || more.length > 0 || statement.background === true) return undefined;
  const { command } = statement;
  if (command.type === 'Command') return ofCommand(judge, state, command);
  if (command.type !== 'Pipeline' || command.prefixes.length > 0) return undefined;
  const last = command.commands.at(-1);
  return last?.type === 'Command' && counts(judge.commands.get(last)) ? [marks.number] : undefined;
}

function ofCommand(judge: Judge, state: State, command: Command): readonly string[] | undefined {
  const possible = judge.commands.get(command);
  const [argv, ...others] = possible ?? [];
  if (argv === undefined || others.length > 0) return undefined;
  const [name = ''] = argv;
  if (state.functions.has(name)) return undefined;
  if (name === 'cat' && argv.length === 1) return hereDocument(command);
  if (
    command.redirects.some((redirect) => redirect.type !== 'Redirect' || redirect.descriptor?.type !== 'FileDescriptor')
  )
    return counts(possible) ? [marks.number] : undefined;
  if (counts(possible)) return [marks.number];
  return byName(state, name, argv.slice(1));
}

/** `$(cat <<'EOF' …)` is the text itself. */
function hereDocument({ redirects }: Command): readonly string[] | undefined {
  const [document, ...more] = redirects;
  if (document?.type !== 'HereDoc' || more.length > 0 || document.body.parts !== undefined) return undefined;
  const { text } = document.body;
  if (document.delimiter?.quoted !== true && /[\\$`]/.test(text)) return undefined;
  return [(document.operator === '<<-' ? text.replace(/^\t+/gm, '') : text).replace(/\n+$/, '')];
}

/** Whether the command prints a number and nothing else. */
function counts(possible: readonly (readonly string[])[] | undefined): boolean {
  return (possible ?? [[]]).every(([name, ...args]) => {
    if (name === 'nproc') return args.length === 0;
    if (name === 'wc') return args.length === 1 && /^-(?:[lwcmL]|-lines|-words|-bytes|-chars)$/.test(args[0] ?? '');
    if (name === 'grep')
      return (
        args.filter((arg) => !arg.startsWith('-')).length === 1 &&
        args.some((arg) => /^-[ciEFvwx]*c[ciEFvwx]*$/.test(arg)) &&
        args.every((arg) => !arg.startsWith('-') || /^-[ciEFvwx]+$/.test(arg))
      );
    return name === 'date' && args.length === 1 && /^\+%(?:s|Y|m|d|H|M|S|j|N|u|s%3N)$/.test(args[0] ?? '');
  });
}

function byName(state: State, name: string, args: readonly string[]): readonly string[] | undefined {
  const [first = '', ...rest] = args;
  if (name === 'pwd' && args.every((arg) => /^-[LP]$/.test(arg))) return state.folders;
  if (name === 'echo' && /^-[neE]+$/.test(first) && !rest.join('').includes('\\')) return byName(state, name, rest);
  if (name === 'echo' && !first.startsWith('-') && args.every(isKnown) && !args.some((arg) => arg.includes('\\')))
    return [args.join(' ')];
  if (name === 'printf' && first === '%s' && rest.length === 1 && rest.every(isKnown)) return rest;
  if (name === 'mktemp') return temporary(args);
  if (name === 'basename' && args.length > 0) return [marks.segment];
  if (name === 'dirname' && args.length === 1) return folderOf(first);
  if (name === 'date')
    return args.every((arg) => isKnown(arg) && !/[/DxE]/.test(arg.replace(/^-\w+$|^--\w+.*$/, '')))
      ? [marks.segment]
      : undefined;
  if (/^(?:whoami|hostname|uname|id|nproc|uuidgen|arch)$/.test(name) && args.every((arg) => arg.startsWith('-')))
    return [marks.segment];
  if (name === 'git' && /^(?:rev-parse (?:--short |--abbrev-ref )?HEAD|branch --show-current)$/.test(args.join(' ')))
    return [marks.relative];
  return undefined;
}

/** A new file or folder, whose name nobody knows before. */
function temporary(args: readonly string[]): readonly string[] | undefined {
  const template = args.filter((arg) => !/^(?:-d|-q|-u|--directory|--quiet|-t)$/.test(arg));
  if (template.length === 0) return ['/tmp/tmp.XXXXXXXXXX'];
  const [path = ''] = template;
  if (template.length > 1 || path.startsWith('-') || !isKnown(path)) return undefined;
  return [args.includes('-t') ? `/tmp/${path}` : path];
}

function folderOf(path: string): readonly string[] | undefined {
  if (isKnown(path)) return [dirname(path)];
  return staysBelow(path) ? [marks.relative] : undefined;
}
