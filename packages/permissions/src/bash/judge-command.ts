import { forEachChild, type SyntaxNode } from 'unbash';
import { checkWhole } from '../commands.ts';
import { realPath } from '../real-path.ts';
import { refuse } from '../refusal.ts';
import type { Permissions } from '../schema.ts';
import type { Judge } from './judge.ts';
import { parseScript, withoutErrors } from './parse.ts';
import { runBody, runScript } from './scripts.ts';
import { copyOf, type State } from './state.ts';

/** Where a command line runs. Absolute paths. */
export interface Place {
  cwd: string;
  home: string;
}

/**
 * Judges a command line of bash, all that it can run, one simple command after the other. Throws a `Refusal` when it
 * must not run; gives back the first command that a person has to approve.
 */
export function judgeCommand(permissions: Permissions, text: string, { cwd, home }: Place): string | undefined {
  const judge = newJudge(permissions, text, home);
  const script = parseScript(text);
  checkWhole(judge, text);
  const state: State = { folders: [cwd], variables: new Map(), functions: new Map(), maps: new Set(), traps: [] };
  const end = runScript(judge, state, script);
  for (const body of judge.defined) if (!judge.called.has(body)) runBody(judge, copyOf(end), body as never);
  judgeRest(judge, end, script);
  return judge.asked;
}

function newJudge(permissions: Permissions, text: string, home: string): Judge {
  const { filesystem_scope, command_scopes, read_scopes, allowed_commands } = permissions;
  const scopes = filesystem_scope === '' ? [] : resolved([filesystem_scope, ...command_scopes]);
  return {
    permissions,
    scopes,
    readable: scopes.length === 0 ? [] : [...scopes, ...resolved(read_scopes)],
    home,
    asked: undefined,
    seen: new Set(),
    commands: new Map(),
    exits: [],
    defined: new Set(),
    called: new Set(),
    running: new Set(),
    isListed: allowed_commands.includes(text),
    linksUp: false,
    steps: 0,
    depth: 0,
  };
}

function resolved(scopes: readonly string[]): string[] {
  return scopes.map((scope) => realPath(scope) ?? refuse(`scope that cannot be resolved: ${scope}`));
}

/** Whatever runs inside of words was judged with them; what was overlooked is judged here, in a place not known. */
function judgeRest(judge: Judge, state: State, node: SyntaxNode): void {
  if (
    node.type === 'CommandExpansion' ||
    node.type === 'ProcessSubstitution' ||
    node.type === 'ArithmeticCommandExpansion'
  ) {
    if (node.script === undefined) refuse('substitution that cannot be parsed');
    if (!judge.seen.has(node.script)) {
      judge.seen.add(node.script);
      runScript(judge, { ...copyOf(state), folders: undefined, variables: new Map() }, withoutErrors(node.script));
    }
  }
  forEachChild(node, (child) => judgeRest(judge, state, child));
}
