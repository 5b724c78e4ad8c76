import type { Function as ShellFunction } from 'unbash';
import { refuse } from '../refusal.ts';
import { hasUnknown, marks, staysBelow } from './marks.ts';

const mostFolders = 8;
const mostValues = 16;
const mostKept = 128;
const longestValue = 8192;

/** What is known about the shell at one place of a script. Values that are possible are all in it. */
export interface State {
  /** Where the shell may be; `undefined`: anywhere. */
  folders: readonly string[] | undefined;
  /** Texts that a variable may hold. What is missing was not touched and comes from the environment. */
  variables: Map<string, readonly string[]>;
  /** Functions that are defined for certain. */
  functions: Map<string, ShellFunction['body']>;
  /** Variables that are associative arrays: their indexes are texts, not arithmetic. */
  maps: Set<string>;
  /** Scripts that `trap` runs at some later place. */
  traps: readonly string[];
}

/** Sets `$1` and so on, to what a function or a script is called with. */
export function setPositional(state: State, args: readonly string[]): void {
  for (const name of state.variables.keys()) if (/^\d+$/.test(name)) state.variables.delete(name);
  for (const [at, arg] of args.slice(0, mostValues).entries()) state.variables.set(`${at + 1}`, [arg]);
  const all = args.length === 0 ? [''] : bounded(args);
  const lists = all.map((value) => value.replaceAll(marks.any, marks.words));
  state.variables.set('@', lists).set('*', lists);
}

/** After `shift` each of them can be any of those before, or none. */
export function shiftPositional(state: State): void {
  const all = bounded([...(state.variables.get('@') ?? [marks.words]), '']);
  for (const name of state.variables.keys()) if (/^\d+$/.test(name)) state.variables.set(name, all);
  state.variables.set('@', all).set('*', all);
}

/** How a command can end; `cd` leaves the shell elsewhere only when it succeeds. */
export interface Outcome {
  success: State;
  failure: State;
}

export function copyOf(state: State): State {
  return {
    ...state,
    variables: new Map(state.variables),
    functions: new Map(state.functions),
    maps: new Set(state.maps),
  };
}

/** Both states may be the case. */
export function joined(one: State, other: State): State {
  if (one === other) return one;
  return {
    folders: union(one.folders, other.folders, mostFolders),
    variables: joinedVariables(one.variables, other.variables),
    functions: new Map([...one.functions].filter(([name, body]) => other.functions.get(name) === body)),
    maps: one.maps.intersection(other.maps),
    traps: [...new Set([...one.traps, ...other.traps])],
  };
}

export function eitherOf({ success, failure }: Outcome): State {
  return joined(success, failure);
}

export function always(state: State): Outcome {
  return { success: state, failure: state };
}

/** The values that are kept of many: all that lead somewhere else, and what stands for the others. */
export function bounded(values: readonly string[]): readonly string[] {
  const different = absorbed([...new Set(values.map((value) => (value.length > longestValue ? marks.any : value)))]);
  if (different.length <= mostValues) return different;
  const numbers = different.every((value) => /^-?\d+$/.test(value));
  if (numbers) return [marks.number];
  const kept = [...different.filter((value) => !staysBelow(value)), marks.relative];
  return kept.length <= mostKept
    ? kept
    : refuse('variable with too many possible values: put the command in a script file');
}

/** Without the values that one which can be anything stands for too. */
function absorbed(values: readonly string[]): readonly string[] {
  const anything = values.includes(marks.any);
  const below = values.includes(marks.relative);
  if (!anything && !below) return values;
  return values.filter(
    (value) =>
      value === marks.any ||
      value === marks.relative ||
      !((anything && hasUnknown(value) && !/^[/~]|\.\./.test(value)) || (below && staysBelow(value))),
  );
}

export function isSame(one: State, other: State): boolean {
  const key = ({ folders, variables, traps }: State) => JSON.stringify([folders, [...variables].sort(), traps]);
  return one === other || key(one) === key(other);
}

/** The state of a loop that does not settle: what its last round changed can be anything. */
export function widened(before: State, after: State): State {
  const kept = JSON.stringify(before.folders) === JSON.stringify(after.folders);
  const variables = new Map(
    [...after.variables].map(([name, values]) => {
      const settled = JSON.stringify(before.variables.get(name)) === JSON.stringify(values);
      return [name, settled && !values.includes(marks.any) ? values : [marks.any]];
    }),
  );
  return { ...after, variables, folders: kept ? after.folders : undefined };
}

function joinedVariables(one: State['variables'], other: State['variables']): State['variables'] {
  const variables: State['variables'] = new Map();
  for (const name of new Set([...one.keys(), ...other.keys()])) {
    variables.set(name, bounded([...(one.get(name) ?? [marks.any]), ...(other.get(name) ?? [marks.any])]));
  }
  return variables;
}

function union(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
  most: number,
): readonly string[] | undefined {
  if (one === undefined || other === undefined) return undefined;
  const all = [...new Set([...one, ...other])];
  return all.length > most ? undefined : all;
}
