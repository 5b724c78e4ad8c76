import type { ArithmeticExpression } from 'unbash';
import { refuse } from '../refusal.ts';
import type { Judge } from './judge.ts';
import { marks, readable } from './marks.ts';
import type { State } from './state.ts';
import { substitutionValues } from './substitutions.ts';
import { partTexts } from './words.ts';

const identifiers = /[A-Za-z_]\w*/g;
/** What a value may consist of so that arithmetic runs nothing: no array, whose index a shell expands again. */
const harmless = /^[\w\s+*/%()<>=!&|^~?:,.#\ue004-]*$/;
const advice = 'Check it first, as in [[ $n =~ ^[0-9]+$ ]] in a script file, or count with wc -l < FILE';

/**
 * Judges an arithmetic expression. A shell evaluates the values of its variables again, so that a text like
 * `a[$(command)]` in one of them runs the command.
 */
export function checkArithmetic(judge: Judge, state: State, expression: ArithmeticExpression): void {
  switch (expression.type) {
    case 'ArithmeticBinary':
      checkArithmetic(judge, state, expression.left);
      checkArithmetic(judge, state, expression.right);
      assigned(state, expression.operator, expression.left);
      return;
    case 'ArithmeticUnary':
      checkArithmetic(judge, state, expression.operand);
      assigned(state, expression.operator, expression.operand);
      return;
    case 'ArithmeticTernary':
      checkArithmetic(judge, state, expression.test);
      checkArithmetic(judge, state, expression.consequent);
      checkArithmetic(judge, state, expression.alternate);
      return;
    case 'ArithmeticGroup':
      checkArithmetic(judge, state, expression.expression);
      return;
    case 'ArithmeticCommandExpansion':
      checkArithmeticText(judge, state, substitutionValues(judge, state, expression));
      return;
    case 'ArithmeticWord':
      checkWord(judge, state, expression);
      return;
    default:
      refuse('arithmetic that is not known');
  }
}

/** Judges texts that a shell evaluates as arithmetic. */
export function checkArithmeticText(judge: Judge, state: State, texts: readonly string[]): void {
  for (const text of texts) {
    if (!harmless.test(text)) refuse(`arithmetic on what may not be a number: ${readable(text)}. ${advice}`);
    checkNames(judge, state, text, new Set());
  }
}

function checkWord(
  judge: Judge,
  state: State,
  { value, parts }: Extract<ArithmeticExpression, { type: 'ArithmeticWord' }>,
): void {
  const text = parts?.map((part) => (part.type === 'Literal' ? part.value : '0')).join('') ?? value;
  if (!/^(?:\w*(?:\[.*\])?|\w+#[\w@]+)$/s.test(text)) refuse(`arithmetic that cannot be parsed: ${value}`);
  if (parts === undefined) {
    checkNames(judge, state, value, new Set());
    return;
  }
  for (const part of parts) {
    if (part.type === 'Literal') checkNames(judge, state, part.value, new Set());
    else checkArithmeticText(judge, state, partTexts(judge, state, part));
  }
}

function checkNames(judge: Judge, state: State, text: string, seen: Set<string>): void {
  for (const [name] of text.matchAll(identifiers)) {
    if (seen.has(name)) continue;
    seen.add(name);
    for (const value of state.variables.get(name) ?? []) {
      if (!harmless.test(value)) refuse(`arithmetic on ${name}, which may not be a number. ${advice}`);
      checkNames(judge, state, value, seen);
    }
  }
}

/** A variable that arithmetic sets is a number from there on. */
function assigned(state: State, operator: string, target: ArithmeticExpression): void {
  if (!/^(?:[^<>=!]*=|<<=|>>=|\+\+|--)$/.test(operator) || target.type !== 'ArithmeticWord') return;
  if (/^[A-Za-z_]\w*$/.test(target.value)) state.variables.set(target.value, [marks.number]);
}
