import type { Assignment, Command, CommandArgument } from 'unbash';
import { builtins } from '../builtins/builtins.ts';
import { checkRules } from '../commands.ts';
import { holdInline } from '../programs/mentioned.ts';
import { judgeProgram } from '../programs/programs.ts';
import { refuse, shown } from '../refusal.ts';
import { assign, elementTexts } from './assign.ts';
import { deeper, type Judge, step } from './judge.ts';
import { hasPattern, hasUnknown, isKnown, readable } from './marks.ts';
import { checkIndex } from './parameters.ts';
import { judgeRedirects } from './redirects.ts';
import { runBody } from './scripts.ts';
import { always, bounded, copyOf, joined, type Outcome, type State, setPositional } from './state.ts';
import { expandWord, type Possibilities, product, textsOf } from './words.ts';

/** Judges a command that is not made of others: its assignments, its redirections, and what it does. */
export function runSimple(judge: Judge, state: State, node: Command): Outcome {
  const assignments = node.prefix.filter((item) => item.type === 'Assignment');
  const words = node.name === undefined ? [] : [node.name, ...node.args];
  const argvs = words.map((word) => argumentOf(judge, state, word)).reduce<Possibilities>(product, [[]]);
  judge.commands.set(node, argvs);
  const own = words.length === 0 || assignments.length === 0 ? state : copyOf(state);
  const reads = argvs.every(([name]) => name === 'read');
  for (const assignment of assignments)
    if (reads && assignment.name === 'IFS' && assignment.value.type === 'Word') textsOf(judge, own, assignment.value);
    else assign(judge, own, assignment);
  judgeRedirects(judge, state, node.redirects);
  if (words.length === 0) return always(state);
  for (const [name = ''] of argvs) for (const text of documentsOf(node)) holdInline(judge, state, name, text);
  const outcomes = argvs.map((argv) => dispatch(judge, argvs.length > 1 ? copyOf(own) : own, argv));
  const outcome = outcomes.reduce(eitherOutcome);
  return own === state ? outcome : eitherOutcome(outcome, always(state));
}

/** Judges a command by its words: what the rules say of it, and what it would do. */
export function dispatch(judge: Judge, state: State, argv: readonly string[], { functions = true } = {}): Outcome {
  step(judge);
  const [name = ''] = argv;
  if (name === '') return argv.length > 1 ? refuse('command without a name') : always(state);
  if (hasUnknown(name) || hasPattern(name) || !isKnown(name))
    refuse(
      `command name that cannot be resolved: ${shown(readable(argv.join(' ')))}. Write the name of the command itself`,
    );
  if (/[^\x21-\x7e]/.test(name)) refuse(`command name with characters that are not plain: ${name}`);
  const body = functions ? state.functions.get(name) : undefined;
  if (body !== undefined) return always(callFunction(judge, state, body, argv.slice(1)));
  checkRules(judge, argv);
  const builtin = builtins.get(name);
  return builtin === undefined
    ? deeper(judge, () => judgeProgram(judge, state, argv))
    : deeper(judge, () => builtin(judge, state, argv));
}

function callFunction(
  judge: Judge,
  state: State,
  body: NonNullable<ReturnType<State['functions']['get']>>,
  args: readonly string[],
): State {
  const before = new Map([...state.variables].filter(([name]) => isPositional(name)));
  setPositional(state, args);
  if (judge.running.has(body)) refuse('function that calls itself: put it in a script file');
  const exits = judge.exits.length;
  judge.called.add(body);
  judge.running.add(body);
  const end = runBody(judge, state, body);
  judge.running.delete(body);
  const after = copyOf(judge.exits.slice(exits).reduce(joined, end));
  for (const name of after.variables.keys()) if (isPositional(name)) after.variables.delete(name);
  for (const [name, values] of before) after.variables.set(name, values);
  return after;
}

function documentsOf({ redirects }: Command): string[] {
  return redirects.flatMap((redirect) => (redirect.type === 'HereDoc' ? [redirect.body.text] : []));
}

function isPositional(name: string): boolean {
  return /^(?:\d+|[@*])$/.test(name);
}

function eitherOutcome(one: Outcome, other: Outcome): Outcome {
  if (one === other) return one;
  return { success: joined(one.success, other.success), failure: joined(one.failure, other.failure) };
}

function argumentOf(judge: Judge, state: State, word: CommandArgument): Possibilities {
  return word.type === 'Assignment' ? assignmentWord(judge, state, word) : expandWord(judge, state, word);
}

/** `name=value` as an argument: to `export` and its relatives, or to any program. */
function assignmentWord(judge: Judge, state: State, { name, value, index, append }: Assignment): Possibilities {
  if (index !== undefined) checkIndex(judge, state, name, index);
  const start = `${name}${index === undefined ? '' : '[0]'}${append === true ? '+' : ''}=`;
  if (value.type === 'Word') return textsOf(judge, state, value).map((text) => [start + text]);
  const elements = value.elements.flatMap((element) => elementTexts(judge, state, element));
  return elements.length === 0 ? [[start]] : bounded(elements).map((text) => [start + text]);
}
