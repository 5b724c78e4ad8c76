import type { ParameterExpansionPart, Word } from 'unbash';
import { matchesGlob } from '../glob.ts';
import { refuse } from '../refusal.ts';
import { checkArithmeticText } from './arithmetic.ts';
import { setVariable, untouchedPath } from './assign.ts';
import type { Judge } from './judge.ts';
import { isKnown, marks, staysBelow } from './marks.ts';
import { bounded, type State } from './state.ts';
import { textsOf } from './words.ts';

const numbers = new Set([
  '?',
  '#',
  '$',
  '!',
  'UID',
  'EUID',
  'PPID',
  'BASHPID',
  'RANDOM',
  'SECONDS',
  'LINENO',
  'SRANDOM',
]);

/** What `$name` can be. */
export function specialValue(judge: Judge, state: State, name: string): readonly string[] {
  const values = state.variables.get(name);
  if (values !== undefined) return values;
  if (numbers.has(name)) return [marks.number];
  if (name === 'HOME') return [judge.home];
  if (name === 'PATH') return [untouchedPath];
  if (name === 'PWD') return state.folders ?? [marks.any];
  if (name === '@' || name === '*') return [marks.words];
  return [marks.any];
}

/** What `${…}` can be. Its operands are judged, also those that are not used. */
export function parameterValues(judge: Judge, state: State, part: ParameterExpansionPart): readonly string[] {
  const { parameter, prefix, index, operation } = part;
  if (index !== undefined) checkIndex(judge, state, parameter, index);
  if (prefix === '#') return [marks.number];
  if (prefix === '!') {
    const lists = operation?.type === 'Names' || (index !== undefined && /^[@*]$/.test(index.text));
    return lists ? [marks.words] : refuse(`indirect expansion: ${part.text}. Use the variable itself`);
  }
  const values = index === undefined ? specialValue(judge, state, parameter) : elements(state, parameter);
  if (operation === undefined) return values;
  switch (operation.type) {
    case 'Default':
      return withDefault(judge, state, part, values, textsOf(judge, state, operation.operand));
    case 'Remove':
      textsOf(judge, state, operation.operand);
      return removed(values, operation.operator, operation.operand.text);
    case 'Replace':
      if (/\$\(|`|[<>]\(/.test(part.text))
        refuse(`replacement with a substitution: ${part.text}. Put its result in a variable first`);
      textsOf(judge, state, operation.pattern);
      textsOf(judge, state, operation.replacement);
      return [marks.any];
    case 'Slice':
      checkArithmeticText(judge, state, textsOf(judge, state, operation.offset));
      if (operation.length !== undefined) checkArithmeticText(judge, state, textsOf(judge, state, operation.length));
      return [marks.any];
    case 'CaseModification':
      if (operation.operand !== undefined) textsOf(judge, state, operation.operand);
      return bounded(values.flatMap((value) => (isKnown(value) ? cases(value) : [marks.any])));
    case 'Transform':
      if (!/^[QEAaKkULu]$/.test(operation.operand.text)) refuse(`expansion that can run commands: ${part.text}`);
      return [marks.any];
    case 'Names':
      return [marks.words];
    default:
      return refuse(`expansion that is not known: ${part.text}`);
  }
}

/** Judges the index of an array: arithmetic, unless the array maps texts. */
export function checkIndex(judge: Judge, state: State, name: string, index: Word): void {
  if (/^[@*]$/.test(index.text)) return;
  const texts = textsOf(judge, state, index);
  if (!state.maps.has(name)) checkArithmeticText(judge, state, texts);
}

function elements(state: State, name: string): readonly string[] {
  return state.variables.get(name) ?? [marks.words];
}

function withDefault(
  judge: Judge,
  state: State,
  { parameter, operation }: ParameterExpansionPart,
  values: readonly string[],
  operand: readonly string[],
): readonly string[] {
  const all = bounded([...values, ...operand]);
  if (operation?.type === 'Default' && operation.operator.includes('=')) setVariable(judge, state, parameter, all);
  return operation?.type === 'Default' && operation.operator.includes('?') ? values : all;
}

function cases(value: string): string[] {
  const first = value.slice(0, 1);
  const rest = value.slice(1);
  return [value.toUpperCase(), value.toLowerCase(), first.toUpperCase() + rest, first.toLowerCase() + rest];
}

function removed(values: readonly string[], operator: string, pattern: string): readonly string[] {
  const plain = /^[\w.*/@:+=,-]*$/.test(pattern);
  return bounded(values.map((value) => removedFrom(value, operator, plain ? pattern : undefined)));
}

function removedFrom(value: string, operator: string, pattern: string | undefined): string {
  if (pattern !== undefined && isKnown(value)) return cut(value, operator, pattern);
  return operator.startsWith('%') && staysBelow(value) ? marks.relative : marks.any;
}

/** `${value#pattern}` and its relatives. */
function cut(value: string, operator: string, pattern: string): string {
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  if (operator.length === 2) lengths.reverse();
  const fromEnd = operator.startsWith('%');
  const matching = lengths.find((length) =>
    matchesGlob(fromEnd ? value.slice(value.length - length) : value.slice(0, length), pattern),
  );
  if (matching === undefined) return value;
  return fromEnd ? value.slice(0, value.length - matching) : value.slice(matching);
}
