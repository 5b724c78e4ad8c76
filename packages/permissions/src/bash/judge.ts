import type { SyntaxNode } from 'unbash';
import { refuse } from '../refusal.ts';
import type { Permissions } from '../schema.ts';
import type { State } from './state.ts';

const mostSteps = 20_000;
const deepest = 24;

/** One judgement of one command line. */
export interface Judge {
  readonly permissions: Permissions;
  /** Real paths of the folders that commands may use; none: no limit. */
  readonly scopes: readonly string[];
  /** Those, and the folders that commands may read. */
  readonly readable: readonly string[];
  readonly home: string;
  /** The first command that a person has to approve. */
  asked: string | undefined;
  /** Scripts inside of words that were judged. */
  readonly seen: Set<SyntaxNode>;
  /** States in which a loop or a function was left early. */
  readonly exits: State[];
  /** What the words of commands became, for telling what they print. */
  readonly commands: Map<SyntaxNode, readonly (readonly string[])[]>;
  /** Bodies of functions: those that were defined, those that were judged, those that are being judged. */
  readonly defined: Set<SyntaxNode>;
  readonly called: Set<SyntaxNode>;
  readonly running: Set<SyntaxNode>;
  /** Whether the command line as it is stands in the list of allowed ones. */
  isListed: boolean;
  /** Whether a link was made that goes up: moved elsewhere, it leads elsewhere. */
  linksUp: boolean;
  steps: number;
  depth: number;
}

/** Counts a step, so that no command line takes for ever. */
export function step(judge: Judge): void {
  if (++judge.steps > mostSteps) refuse('command too complicated to be judged: split it, or put it in a script file');
}

/** Runs something one level deeper: scripts in scripts. */
export function deeper<T>(judge: Judge, run: () => T): T {
  if (judge.depth >= deepest) refuse(`command nested more than ${deepest} levels deep: split it`);
  judge.depth++;
  try {
    return run();
  } finally {
    judge.depth--;
  }
}
