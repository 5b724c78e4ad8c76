import { checkVariable } from '../bash/assign.ts';
import type { Judge } from '../bash/judge.ts';
import { isOpen, marks } from '../bash/marks.ts';
import { copyOf, type State } from '../bash/state.ts';
import { builtins } from '../builtins/builtins.ts';
import { refuse } from '../refusal.ts';
import { holdRead, holdWritten } from '../scope.ts';
import type { Handler } from './handlers.ts';
import { holdMentioned } from './mentioned.ts';
import { takeApart } from './options.ts';
import { runText, runWords } from './shells.ts';

/** Options with values of programs that run the command behind their options, and how many operands come before it. */
const plain: [name: string, values: string, before: number][] = [
  ['nohup', '', 0],
  ['nice', 'n adjustment', 0],
  ['ionice', 'c n p P u class classdata', 0],
  ['stdbuf', 'i o e input output error', 0],
  ['setsid', '', 0],
  ['timeout', 'k s kill-after signal', 1],
  ['gtimeout', 'k s kill-after signal', 1],
  ['chrt', 'T P D', 1],
  ['taskset', '', 1],
  ['prlimit', '', 0],
  ['unbuffer', '', 0],
  ['catchsegv', '', 0],
  ['faketime', '', 1],
  ['caffeinate', '', 0],
  ['xvfb-run', 'n s e', 0],
];

/** Programs that run the command in their arguments. */
export const wrappers: [string, Handler][] = [
  ...plain.map(([name, values, before]): [string, Handler] => [
    name,
    (judge, state, argv) =>
      runInner(judge, state, takeApart(argv.slice(1), { values, stops: true }).operands.slice(before)),
  ]),
  ['time', judgeTime],
  ['sudo', judgeSudo],
];

const runners: [name: string, subcommand: RegExp | undefined][] = [
  ['npx', undefined],
  ['bunx', undefined],
  ['npm', /^(?:exec|x)$/],
  ['pnpm', /^(?:exec|dlx)$/],
  ['pnpx', undefined],
  ['yarn', /^(?:exec|dlx)$/],
  ['uv', /^run$/],
  ['uvx', undefined],
  ['poetry', /^run$/],
  ['pipenv', /^run$/],
  ['bundle', /^exec$/],
];

/** Package managers that run a program of a package by name. */
export const packageRunners: [string, Handler][] = runners.map(([name, subcommand]) => [
  name,
  (judge, state, argv) => judgeRunner(judge, state, argv, subcommand),
]);

/** Judges what `env` sets and what it runs. */
export function judgeEnv(judge: Judge, state: State, argv: readonly string[]): void {
  const { options, operands } = takeApart(argv.slice(1), { values: 'u C S unset chdir split-string', stops: true });
  const inner = copyOf(state);
  for (const { name, value = '' } of options) {
    if (/^(?:S|s|split-.*)$/.test(name)) refuse('env -S: write the words of the command themselves');
    if (name === 'C' || 'chdir'.startsWith(name)) moveTo(judge, inner, value);
  }
  const first = operands.findIndex((word) => !/^[^=]+=/.test(word));
  for (const word of first < 0 ? operands : operands.slice(0, first)) {
    const at = word.indexOf('=');
    checkVariable(judge, state, word.slice(0, at), [word.slice(at + 1)]);
  }
  if (first >= 0) runInner(judge, inner, operands.slice(first));
}

/** Judges what `xargs` runs: with words behind it that nobody knows. */
export function judgeXargs(judge: Judge, state: State, argv: readonly string[]): void {
  const values = 'a d E I L n P s arg-file delimiter max-lines max-args max-procs max-chars process-slot-var';
  const { options, operands } = takeApart(argv.slice(1), { values, stops: true });
  for (const { name, value } of options)
    if ((name === 'a' || name.startsWith('arg')) && value) holdRead(judge, state, value);
  const replaced = options.find(({ name }) => name === 'I' || name === 'i' || name.startsWith('replace'));
  if (operands.length === 0) return;
  const text = replaced?.value ?? '{}';
  if (replaced === undefined) {
    runInner(judge, state, [...operands, marks.words]);
    return;
  }
  runInner(
    judge,
    state,
    operands.map((word) => word.replaceAll(text, marks.any)),
  );
}

function judgeTime(judge: Judge, state: State, argv: readonly string[]): void {
  const { options, operands } = takeApart(argv.slice(1), { values: 'o f output format', stops: true });
  for (const { name, value } of options)
    if ((name === 'o' || name.startsWith('out')) && value) holdWritten(judge, state, value);
  runInner(judge, state, operands);
}

function judgeSudo(judge: Judge, state: State, argv: readonly string[]): void {
  const values =
    'C D g h p R r T t U u chdir chroot close-from group host prompt role type user other-user command-timeout';
  const { options, operands } = takeApart(argv.slice(1), { values, stops: true });
  if (options.some(({ name }) => /^[eisRD]$|^(?:edit|login|shell|chroot|chdir)/.test(name)))
    refuse('sudo with a shell, an editor or another folder: write the command itself');
  const first = operands.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  for (const word of operands.slice(0, Math.max(first, 0)))
    checkVariable(judge, state, word.slice(0, word.indexOf('=')), [word.slice(word.indexOf('=') + 1)]);
  if (first >= 0) runInner(judge, state, operands.slice(first));
}

function judgeRunner(judge: Judge, state: State, argv: readonly string[], subcommand: RegExp | undefined): void {
  const args = argv.slice(1);
  const at = subcommand === undefined ? 0 : args.findIndex((word) => !word.startsWith('-')) + 1;
  if (subcommand !== undefined && !subcommand.test(args[at - 1] ?? '')) {
    holdMentioned(judge, state, argv);
    return;
  }
  const { options, operands } = takeApart(args.slice(at), {
    values: 'p package c call w workspace from with python',
    stops: true,
  });
  for (const { name, value } of options)
    if (name === 'c' || 'call'.startsWith(name)) if (value !== undefined) runText(judge, copyOf(state), value);
  const [name = '', ...rest] = operands;
  if (name !== '') runListed(judge, state, [name.replace(/(?<=.)@[^/]*$/, '').replace(/^@[^/]*\//, ''), ...rest]);
}

/** Programs of packages need no rule besides that of the runner; rules that deny hold. */
function runListed(judge: Judge, state: State, argv: readonly string[]): void {
  const before = judge.isListed;
  judge.isListed = true;
  runInner(judge, state, argv);
  judge.isListed = before;
}

/** A builtin of the shell is no program. */
function runInner(judge: Judge, state: State, argv: readonly string[]): void {
  const [name = ''] = argv;
  if (isOpen(name) || (builtins.has(name) && /^(?:eval|source|\.|exec|builtin|command)$/.test(name)))
    refuse('command behind a wrapper that cannot be resolved. Write it itself');
  runWords(judge, state, argv);
}

function moveTo(judge: Judge, state: State, folder: string): void {
  holdWritten(judge, state, folder);
  state.folders = state.folders?.map((from) => (folder.startsWith('/') ? folder : `${from}/${folder}`));
}
