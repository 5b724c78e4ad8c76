import { deeper, type Judge } from './judge.ts';
import { parseScript } from './parse.ts';
import { runScript } from './scripts.ts';
import { copyOf, type State } from './state.ts';

/** Judges what `trap` could run at this place. */
export function runTraps(judge: Judge, state: State): void {
  for (const text of state.traps)
    deeper(judge, () => runScript(judge, { ...copyOf(state), traps: [] }, parseScript(text)));
}
