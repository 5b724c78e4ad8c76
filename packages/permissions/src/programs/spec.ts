import type { Judge } from '../bash/judge.ts';
import type { State } from '../bash/state.ts';
import { refuse } from '../refusal.ts';
import { holdRead, holdWritten } from '../scope.ts';
import { type Arguments, isOption, takeApart } from './options.ts';
import type { Spec } from './tables.ts';

const listOf = (names: string | undefined) => (names === undefined ? [] : names.split(' '));

/** Holds what a program opens to the scope, as its entry in the table says. */
export function judgeBySpec(judge: Judge, state: State, spec: Spec, args: readonly string[]): void {
  const taken = takeApart(args, { values: [spec.values, spec.reads, spec.writes].filter(Boolean).join(' ') });
  judgeOptions(judge, state, spec, taken);
  const { read, written } = operandsOf(spec, taken);
  for (const path of read) holdRead(judge, state, path);
  for (const path of written) holdWritten(judge, state, path);
  if (spec.here === true && taken.operands.length === 0) holdRead(judge, state, '.');
}

/** Holds the values of options that name files to the scope, and refuses options that run commands. */
export function judgeOptions(judge: Judge, state: State, spec: Omit<Spec, 'operands'>, { options }: Arguments): void {
  const [reads, writes, refuses] = [listOf(spec.reads), listOf(spec.writes), listOf(spec.refuses)];
  for (const { name, value } of options) {
    const is = (option: string) => isOption(name, option);
    if (refuses.some(is)) refuse(`option that can run or load something: ${name.length > 1 ? '--' : '-'}${name}`);
    if (value === undefined) continue;
    if (writes.some(is)) holdWritten(judge, state, value);
    else if (reads.some(is)) holdRead(judge, state, value);
  }
}

function operandsOf(spec: Spec, { operands, options }: Arguments): { read: string[]; written: string[] } {
  const given = options.some(({ name }) => listOf(spec.instead).some((option) => isOption(name, option)));
  const rest = given ? operands : operands.slice(1);
  switch (spec.operands) {
    case 'none':
      return { read: [], written: [] };
    case 'read':
      return { read: operands, written: [] };
    case 'write':
      return { read: [], written: operands };
    case 'copy': {
      const folderGiven = options.some(({ name }) => isOption(name, 't') || isOption(name, 'target-directory'));
      return folderGiven
        ? { read: operands, written: [] }
        : { read: operands.slice(0, -1), written: operands.slice(-1) };
    }
    case 'convert':
      return { read: operands.slice(0, 1), written: operands.slice(1) };
    case 'pattern':
      return { read: rest, written: [] };
    case 'mode':
      return { read: [], written: rest };
  }
}
