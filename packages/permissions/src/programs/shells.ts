import { deeper, type Judge } from '../bash/judge.ts';
import { isKnown, readable } from '../bash/marks.ts';
import { parseScript } from '../bash/parse.ts';
import { runScript } from '../bash/scripts.ts';
import { dispatch } from '../bash/simple.ts';
import { copyOf, type State, setPositional } from '../bash/state.ts';
import { refuse, shown } from '../refusal.ts';
import { holdRead } from '../scope.ts';

/** Judges a text that a shell runs. */
export function runText(judge: Judge, state: State, text: string): State {
  if (!isKnown(text)) refuse(`script that cannot be resolved: ${shown(readable(text))}. Write the commands themselves`);
  return deeper(judge, () => runScript(judge, state, parseScript(text)));
}

/** Judges `bash -c TEXT` and `bash FILE`. What a script file does is not looked at. */
export function judgeShell(judge: Judge, state: State, argv: readonly string[]): void {
  const [name, ...args] = argv;
  let at = 0;
  let text = false;
  for (; /^[-+]./.test(args[at] ?? '') && args[at] !== '--'; at++) {
    const option = args[at] ?? '';
    if (!isKnown(option)) refuse(`option of ${name} that cannot be resolved`);
    if (/^--(?:rcfile|init-file)/.test(option) || /^[-+]O?[a-zA-Z]*[is]/.test(option.replace(/^--.*/, '')))
      refuse(`${name} ${option}: a shell that takes commands from elsewhere`);
    if (/^-[a-zA-Z]*c/.test(option)) text = true;
    if (/^[-+][a-zA-Z]*[oO]$/.test(option)) at++;
  }
  if (args[at] === '--') at++;
  const operand = args[at];
  if (operand === undefined) {
    if (args.length === 1 && args[0] === '--version') return;
    refuse(`${name} that reads commands from its input: write them as ${name} -c '…', or put them in a file`);
  }
  if (text) {
    const inner: State = { ...copyOf(state), traps: [] };
    setPositional(inner, args.slice(at + 2));
    inner.variables.set('0', [args[at + 1] ?? 'bash']);
    runText(judge, inner, operand);
    return;
  }
  judgeScriptFile(judge, state, operand);
}

/** Judges the file of a script: it has to be one of the scope, whose text is known not to come from somewhere else. */
export function judgeScriptFile(judge: Judge, state: State, path: string): void {
  if (!isKnown(path)) refuse(`script file that cannot be resolved: ${shown(readable(path))}`);
  if (/^\/(?:dev|proc)\//.test(path) || path === '-') refuse(`script file that is a stream: ${path}`);
  holdRead(judge, state, path);
}

/** Judges a command that another one runs, with words of its own. */
export function runWords(judge: Judge, state: State, argv: readonly string[]): void {
  if (argv.length > 0) deeper(judge, () => dispatch(judge, copyOf(state), argv, { functions: false }));
}
