import { basename } from 'node:path';
import type { Judge } from '../bash/judge.ts';
import { always, type Outcome, type State } from '../bash/state.ts';
import { builtins } from '../builtins/builtins.ts';
import { refuse } from '../refusal.ts';
import { handlers } from './handlers.ts';
import { holdMentioned } from './mentioned.ts';
import { judgeBySpec } from './spec.ts';
import { table } from './tables.ts';

/** Whether the name is that of a program or a builtin whose arguments are judged: nothing else may be called so. */
export function isKnownCommand(name: string): boolean {
  return builtins.has(name) || handlers.has(name) || Object.hasOwn(table, name);
}

const moves = /^(?:mv|cp|rsync|tar|git|rename|find|xargs|install|unzip|zip)$/;

/** Judges what a program would open, change or run. */
export function judgeProgram(judge: Judge, state: State, argv: readonly string[]): Outcome {
  const name = basename(argv[0] ?? '');
  if (judge.linksUp && moves.test(name)) refuse(`${name} behind ln -s with ..: use two calls`);
  const handler = handlers.get(name);
  if (handler !== undefined) {
    handler(judge, state, [name, ...argv.slice(1)]);
    return always(state);
  }
  const spec = Object.hasOwn(table, name) ? table[name] : undefined;
  if (spec === undefined) holdMentioned(judge, state, argv);
  else judgeBySpec(judge, state, spec, argv.slice(1));
  return always(state);
}
