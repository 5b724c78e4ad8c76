import { messageOf } from '@agentcrew/protocol';
import { isApproved, questionTool } from './approved.ts';
import { judgeCommand } from './bash/judge-command.ts';
import { inputProblem, pathFields, type ToolRequest, textOf } from './input.ts';
import { isInScope, isPatternInScope } from './paths.ts';
import { Refusal } from './refusal.ts';
import type { Permissions } from './schema.ts';
import { names } from './tools.ts';

/** `reason` is for the agent that asked, or for the person who is to decide. */
export type Decision =
  | { decision: 'allow' }
  | { decision: 'deny'; reason: string }
  | { decision: 'ask'; reason: string };

/**
 * Decides about a tool call before it runs: is the tool allowed, its command denied, its command allowed, are its paths
 * in the scope, does a person have to approve? What cannot be judged is denied, and denying wins over asking. Looks at
 * the file system (links), at nothing else.
 */
export function decide(permissions: Permissions, request: ToolRequest): Decision {
  try {
    return judge(permissions, request);
  } catch (error) {
    if (error instanceof Refusal) return deny(error.message);
    return deny(`the call could not be judged: ${messageOf(error)}`);
  }
}

function judge(permissions: Permissions, request: ToolRequest): Decision {
  if (!names(permissions.allowed_tools, request.tool)) return deny(`tool not allowed: ${request.tool}`);
  const unreadable = inputProblem(request);
  if (unreadable !== undefined) return deny(unreadable);
  const command = textOf(request.input, 'command') ?? '';
  const asked = command === '' ? undefined : judgeCommand(permissions, command, request);
  const outside = permissions.filesystem_scope && pathProblem(permissions, request);
  if (outside) return deny(outside);
  const byName = request.tool === questionTool || names(permissions.ask_tools, request.tool);
  const reason = byName ? request.tool : asked;
  return reason === undefined || isApproved(permissions, request) ? { decision: 'allow' } : { decision: 'ask', reason };
}

function deny(reason: string): Decision {
  return { decision: 'deny', reason };
}

const readers = ['Read', 'Glob', 'Grep'];

function pathProblem(permissions: Permissions, { tool, input, ...surroundings }: ToolRequest): string | undefined {
  const { filesystem_scope: scope, read_scopes } = permissions;
  const scopes = readers.includes(tool) ? [scope, ...read_scopes] : [scope];
  const given = pathFields.map((field) => textOf(input, field)).filter((path) => path !== undefined);
  const searches = tool === 'Glob' || tool === 'Grep';
  const paths = searches && given.length === 0 ? [surroundings.cwd] : given;
  const outside = paths.find((path) => !scopes.some((folder) => isInScope(path, folder, surroundings)));
  if (outside !== undefined) return `path outside of ${scope}: ${outside}`;

  const pattern = tool === 'Glob' ? textOf(input, 'pattern') : undefined;
  const base = textOf(input, 'path') ?? surroundings.cwd;
  if (pattern === undefined) return undefined;
  const isHeld = scopes.some((folder) => isPatternInScope(pattern, base, folder, surroundings));
  return isHeld ? undefined : `pattern outside of ${scope}: ${pattern}`;
}
