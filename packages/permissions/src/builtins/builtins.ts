import { checkArithmeticText } from '../bash/arithmetic.ts';
import { setVariable } from '../bash/assign.ts';
import type { Judge } from '../bash/judge.ts';
import { isKnown, marks, readable } from '../bash/marks.ts';
import { dispatch } from '../bash/simple.ts';
import { always, copyOf, type Outcome, type State, setPositional, shiftPositional } from '../bash/state.ts';
import { checkReference, holdTested } from '../bash/tests.ts';
import { judgeScriptFile, runText } from '../programs/shells.ts';
import { refuse, shown } from '../refusal.ts';
import { changeFolder, forgetFolder, pushFolder } from './folders.ts';

type Builtin = (judge: Judge, state: State, argv: readonly string[]) => Outcome;

/** Builtins of bash that change what comes after them, or that run or set something. */
export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ...[
    ':',
    'true',
    'false',
    'pwd',
    'umask',
    'ulimit',
    'wait',
    'jobs',
    'fg',
    'bg',
    'disown',
    'times',
    'dirs',
    'suspend',
    'type',
    'kill',
    'echo',
    'logout',
    'help',
  ].map((name): [string, Builtin] => [name, (_judge, state) => always(state)]),
  ...['break', 'continue', 'return', 'exit'].map((name): [string, Builtin] => [name, leave]),
  ...['export', 'readonly', 'declare', 'typeset', 'local'].map((name): [string, Builtin] => [name, declare]),
  ...['test', '['].map((name): [string, Builtin] => [name, testCommand]),
  ...['alias', 'enable', 'bind', 'complete', 'compgen', 'compopt', 'fc', 'history', 'unalias', 'caller'].map(
    (name): [string, Builtin] => [name, refuseBuiltin],
  ),
  ['cd', changeFolder],
  ['pushd', pushFolder],
  ['popd', forgetFolder],
  ['eval', evaluate],
  ['source', source],
  ['.', source],
  ['trap', trap],
  ['command', command],
  ['builtin', builtin],
  ['exec', execute],
  ['read', read],
  ['mapfile', mapfile],
  ['readarray', mapfile],
  ['printf', printf],
  ['getopts', getopts],
  ['let', letArithmetic],
  ['unset', unset],
  ['set', setOptions],
  ['shift', shift],
  ['shopt', shopt],
  ['hash', hash],
]);

function refuseBuiltin(_judge: Judge, state: State, [name = '', ...args]: readonly string[]): Outcome {
  if (name === 'unalias' || (name === 'alias' && args.every((arg) => isKnown(arg) && !arg.includes('='))))
    return always(state);
  return refuse(`${name} changes what commands mean: write the commands themselves`);
}

/** Where a loop or a function is left, its state is one of those behind it. */
function leave(judge: Judge, state: State, [name, ...args]: readonly string[]): Outcome {
  if (name !== 'exit' && args.some((arg) => !/^[\w\ue004-]*$/.test(arg) && !/^[\ue000\ue001]$/.test(arg)))
    refuse(`${name} with an odd argument`);
  judge.exits.push(copyOf(state));
  return always(state);
}

function declare(judge: Judge, state: State, [name = '', ...args]: readonly string[]): Outcome {
  const flags = args.filter((arg) => /^[-+][A-Za-z]+$/.test(arg)).join('');
  if (/[in]/.test(name === 'export' ? '' : flags))
    refuse(`${name} -i or -n: arithmetic and references run what they hold. Leave the option out`);
  if (/f/.test(flags) && args.some((arg) => arg.includes('='))) refuse(`${name} -f`);
  for (const arg of args) {
    if (/^[-+]/.test(arg)) continue;
    const found = /^([A-Za-z_]\w*)(?:\[([^\]]*)\])?(?:(\+?)=(.*))?$/s.exec(arg);
    const [, variable = '', index, append, value] =
      found ?? refuse(`${name} of what cannot be resolved: ${shown(readable(arg))}`);
    if (index !== undefined && !state.maps.has(variable)) checkArithmeticText(judge, state, [index]);
    if (/A/.test(flags)) state.maps.add(variable);
    if (value === undefined) {
      if (flags === '' && name === 'local') setVariable(judge, state, variable, ['']);
      continue;
    }
    const before = append === '+' || index !== undefined ? (state.variables.get(variable) ?? [marks.any]) : [];
    setVariable(
      judge,
      state,
      variable,
      append === '+' ? [marks.any] : [...before, value.replaceAll(marks.words, marks.any)],
    );
  }
  return always(state);
}

function testCommand(judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  args.forEach((arg, at) => {
    if ((arg === '-v' || arg === '-R') && args[at + 1] !== undefined)
      holdTested(judge, state, arg, [args[at + 1] ?? '']);
  });
  return always(state);
}

function evaluate(judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  const words = args[0] === '--' ? args.slice(1) : args;
  return words.length === 0 ? always(state) : always(runText(judge, state, words.join(' ')));
}

function source(judge: Judge, state: State, [name = '', ...args]: readonly string[]): Outcome {
  const [path] = args[0] === '--' ? args.slice(1) : args;
  if (path === undefined) return refuse(`${name} without a file`);
  judgeScriptFile(judge, state, path);
  if (path.includes('/') ? false : !isKnown(path)) refuse(`${name} ${path}`);
  const after: State = {
    ...copyOf(state),
    variables: new Map([...state.variables.keys()].map((key) => [key, [marks.any]])),
    folders: state.folders,
    functions: new Map(),
  };
  return always(after);
}

function trap(judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  const words = args[0] === '--' ? args.slice(1) : args;
  const [text = '', ...signals] = words;
  if (/^-[lp]$/.test(text) || text === '-' || text === '' || signals.length === 0) return always(state);
  if (!isKnown(text)) refuse('trap whose command cannot be resolved');
  runText(judge, copyOf(state), text);
  state.traps = [...state.traps, text];
  return always(state);
}

function command(judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  const at = args.findIndex((arg) => !/^-[pvV]+$/.test(arg));
  if (args.slice(0, at < 0 ? undefined : at).some((arg) => /[vV]/.test(arg))) return always(state);
  const inner = args.slice(Math.max(at, 0)).filter((arg, index) => !(index === 0 && arg === '--'));
  return inner.length === 0 || at < 0 ? always(state) : dispatch(judge, state, inner, { functions: false });
}

function builtin(judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  return args.length === 0 ? always(state) : dispatch(judge, state, args, { functions: false });
}

function execute(judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  let at = 0;
  for (; /^-[cla]+$/.test(args[at] ?? ''); at++) if (args[at]?.includes('a') === true) at++;
  const inner = args.slice(args[at] === '--' ? at + 1 : at);
  return inner.length === 0 ? always(state) : dispatch(judge, state, inner, { functions: false });
}

function read(judge: Judge, state: State, [name = '', ...args]: readonly string[]): Outcome {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (/^-[a-zA-Z]*[dintpuN]$/.test(arg)) at++;
    else if (/^-[a-zA-Z]*a$/.test(arg)) unknownVariable(judge, state, name, args[++at] ?? '');
    else if (!arg.startsWith('-')) unknownVariable(judge, state, name, arg);
  }
  state.variables.set('REPLY', [marks.any]);
  return always(state);
}

function mapfile(judge: Judge, state: State, [name = '', ...args]: readonly string[]): Outcome {
  if (args.some((arg) => /^-[a-zA-Z]*[Cc]/.test(arg))) refuse(`${name} -C: runs a command for each line`);
  const words = args.filter((arg, at) => !arg.startsWith('-') && !/^-[a-zA-Z]*[dnOsu]$/.test(args[at - 1] ?? ''));
  unknownVariable(judge, state, name, words[0] ?? 'MAPFILE');
  return always(state);
}

function printf(judge: Judge, state: State, [name = '', ...args]: readonly string[]): Outcome {
  const [first = ''] = args;
  if (first.startsWith('-v')) unknownVariable(judge, state, name, first === '-v' ? (args[1] ?? '') : first.slice(2));
  else if (
    first !== '--' &&
    !isKnown(first.slice(0, 2)) &&
    /^[\ue000\ue001]/.test(first) &&
    args.length > 1 &&
    first === marks.words
  )
    refuse('printf whose format cannot be resolved: quote it');
  return always(state);
}

function getopts(judge: Judge, state: State, [name = '', , variable = '']: readonly string[]): Outcome {
  unknownVariable(judge, state, name, variable);
  state.variables.set('OPTARG', [marks.any]);
  return always(state);
}

function letArithmetic(judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  checkArithmeticText(judge, state, args);
  for (const arg of args)
    for (const [, variable = ''] of arg.matchAll(/([A-Za-z_]\w*)\s*[-+*/%]?=/g))
      setVariable(judge, state, variable, [marks.number]);
  return always(state);
}

function unset(judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  for (const arg of args) {
    if (/^-[fvn]+$/.test(arg)) continue;
    checkReference(judge, state, arg);
    if (/^(?:PATH|HOME|IFS|PWD)$/.test(arg)) refuse(`unset ${arg}: changes what commands do`);
    state.variables.set(arg, ['']);
    state.functions.delete(arg);
  }
  return always(state);
}

function setOptions(_judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  const [first = ''] = args;
  if (!isKnown(first) && first.startsWith(marks.words))
    refuse('set with an argument that cannot be resolved: write set -- first');
  if (
    args.some(
      (arg, at) => /^(?:-o|\+o)$/.test(args[at - 1] ?? '') && /^(?:posix|history|allexport|keyword)$/.test(arg),
    ) ||
    /^-[a-z]*k/.test(first)
  )
    refuse('set: an option that changes what commands mean');
  const end = args.findIndex(
    (arg, at) => arg === '--' || !(/^[-+]/.test(arg) || /^[-+][a-zA-Z]*o$/.test(args[at - 1] ?? '')),
  );
  if (end >= 0) setPositional(state, args.slice(args[end] === '--' ? end + 1 : end));
  return always(state);
}

function shift(_judge: Judge, state: State): Outcome {
  shiftPositional(state);
  return always(state);
}

function shopt(_judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  const harmless =
    /^(?:-[supqo]+|extglob|nullglob|failglob|dotglob|nocaseglob|nocasematch|inherit_errexit|pipefail|errexit|nounset|checkwinsize|expand_aliases)$/;
  const odd = args.find((arg) => !harmless.test(arg));
  return odd === undefined ? always(state) : refuse(`shopt ${readable(odd)}: changes what commands mean`);
}

function hash(_judge: Judge, state: State, [, ...args]: readonly string[]): Outcome {
  if (args.some((arg) => !/^(?:-[rtld]+|[\w.+-]+)$/.test(arg))) refuse('hash: changes what names mean');
  return args.some((arg) => arg.startsWith('-') && arg.includes('p'))
    ? refuse('hash -p: changes what names mean')
    : always(state);
}

function unknownVariable(judge: Judge, state: State, by: string, name: string): void {
  if (!isKnown(name)) refuse(`${by} into a variable that cannot be resolved`);
  checkReference(judge, state, name);
  setVariable(judge, state, name.replace(/\[.*$/s, ''), [marks.any]);
}
