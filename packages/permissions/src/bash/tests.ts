import { refuse } from '../refusal.ts';
import { checkArithmeticText } from './arithmetic.ts';
import type { Judge } from './judge.ts';
import { readable } from './marks.ts';
import type { State } from './state.ts';

/** Judges the operand of a test: of `-v` a shell evaluates the index. */
export function holdTested(judge: Judge, state: State, operator: string, texts: readonly string[]): void {
  if (operator !== '-v' && operator !== '-R') return;
  for (const text of texts) checkReference(judge, state, text);
}

/** Judges the name of a variable, perhaps of an element of an array, that a builtin is given as a text. */
export function checkReference(judge: Judge, state: State, text: string): void {
  const [, index] =
    /^[A-Za-z_]\w*(?:\[(.*)\])?$/s.exec(text) ??
    refuse(`name of a variable that cannot be resolved: ${readable(text)}`);
  if (index !== undefined && !/^[@*]$/.test(index)) checkArithmeticText(judge, state, [index]);
}
