import type { Judge } from '../bash/judge.ts';
import { isOpen, marks } from '../bash/marks.ts';
import { copyOf, type State } from '../bash/state.ts';
import { refuse } from '../refusal.ts';
import { holdRead, holdWritten } from '../scope.ts';
import { runWords } from './shells.ts';

const writesFile = new Set(['-fprint', '-fprint0', '-fprintf', '-fls']);
const readsFile = /^-(?:newer.*|anewer|cnewer|samefile|files0-from)$/;
const runs = new Set(['-exec', '-execdir', '-ok', '-okdir']);

/** Judges where `find` looks, what it runs, and what it writes or deletes. */
export function judgeFind(judge: Judge, state: State, argv: readonly string[]): void {
  const args = argv.slice(1);
  const follows = args.some((arg) => arg === '-L' || arg === '-follow');
  const begin = args.findIndex((arg) => !/^-(?:[HLP-]|O\d)$/.test(arg));
  const words = begin < 0 ? [] : args.slice(begin);
  const end = words.findIndex((arg) => /^[-(!]/.test(arg));
  const starts = end < 0 ? words : words.slice(0, end);
  if (starts.some((start, at) => start.includes(marks.words) || (at > 0 && start.startsWith(marks.any))))
    refuse('argument of find that cannot be resolved: it could delete or run something');
  const folders = starts.length === 0 ? ['.'] : starts;
  for (const folder of folders) holdRead(judge, state, folder);
  judgeExpression(judge, state, end < 0 ? [] : words.slice(end), folders, follows);
}

function judgeExpression(
  judge: Judge,
  state: State,
  args: readonly string[],
  folders: string[],
  follows: boolean,
): void {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const next = args[at + 1] ?? '';
    if (
      arg.includes(marks.words) ||
      (isOpen(arg) && arg.startsWith(marks.any) && args[at - 1]?.startsWith('-') !== true)
    )
      refuse('argument of find that cannot be resolved: it could delete or run something');
    if (follows && (runs.has(arg) || arg === '-delete'))
      refuse('find that follows links and acts: leave out -L and -follow');
    if (arg === '-delete') for (const folder of folders) holdWritten(judge, state, folder);
    if (writesFile.has(arg)) holdWritten(judge, state, next);
    if (readsFile.test(arg)) holdRead(judge, state, next);
    if (runs.has(arg)) at = judgeRun(judge, state, args, at, folders);
  }
}

/** Judges the command of `-exec`, with each path that it can be given in the place of `{}`. */
function judgeRun(judge: Judge, state: State, args: readonly string[], at: number, folders: readonly string[]): number {
  const rest = args.slice(at + 1);
  const last = rest.findIndex((arg, index) => arg === ';' || (arg === '+' && rest[index - 1] === '{}'));
  if (last < 0) refuse('find -exec without an end');
  const inFolder = args[at]?.endsWith('dir') === true;
  for (const folder of folders) {
    if (isOpen(folder) && rest.slice(0, last).some((word) => word.includes('{}'))) {
      runWords(
        judge,
        state,
        rest.slice(0, last).map((word) => word.replaceAll('{}', marks.any)),
      );
      continue;
    }
    const found = inFolder ? `./${marks.segment}` : `${folder}/${marks.relative}`;
    const inner = copyOf(state);
    if (inFolder) inner.folders = inner.folders?.map((from) => (folder.startsWith('/') ? folder : `${from}/${folder}`));
    runWords(
      judge,
      inner,
      rest.slice(0, last).map((word) => word.replaceAll('{}', found)),
    );
  }
  return at + 1 + last;
}
