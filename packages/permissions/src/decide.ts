import { messageOf } from '@agentcrew/protocol';
import { commandProblem, firstMatch } from './commands.ts';
import { inputProblem, pathFields, type ToolRequest, textOf } from './input.ts';
import { isInScope, isPatternInScope } from './paths.ts';
import type { Permissions } from './schema.ts';
import { names } from './tools.ts';

/** `reason` is for the agent that asked. */
export type Decision = { allow: true } | { allow: false; reason: string };

/**
 * Decides about a tool call before it runs. Every rule can only deny: the tool, denied commands, allowed commands, the
 * paths, what a person would have to approve; what cannot be judged is denied. Looks at the file system (links), at
 * nothing else.
 *
 * The commands of Bash are not held to the filesystem scope: what they open cannot be told from their text.
 */
export function decide(permissions: Permissions, request: ToolRequest): Decision {
  try {
    const reason = problem(permissions, request);
    return reason === undefined ? { allow: true } : { allow: false, reason };
  } catch (error) {
    return { allow: false, reason: `the call could not be judged: ${messageOf(error)}` };
  }
}

function problem(permissions: Permissions, request: ToolRequest): string | undefined {
  if (!names(permissions.allowed_tools, request.tool)) return `tool not allowed: ${request.tool}`;
  const unreadable = inputProblem(request);
  if (unreadable !== undefined) return unreadable;
  const command = textOf(request.input, 'command') ?? '';
  return (
    (command && commandProblem(command, permissions)) ||
    (permissions.filesystem_scope && pathProblem(permissions.filesystem_scope, request)) ||
    approvalProblem(permissions, request.tool, command)
  );
}

function pathProblem(scope: string, { tool, input, ...surroundings }: ToolRequest): string | undefined {
  const given = pathFields.map((field) => textOf(input, field)).filter((path) => path !== undefined);
  const searches = tool === 'Glob' || tool === 'Grep';
  const paths = searches && given.length === 0 ? [surroundings.cwd] : given;
  const outside = paths.find((path) => !isInScope(path, scope, surroundings));
  if (outside !== undefined) return `path outside of ${scope}: ${outside}`;

  const pattern = tool === 'Glob' ? textOf(input, 'pattern') : undefined;
  const base = textOf(input, 'path') ?? surroundings.cwd;
  if (pattern === undefined || isPatternInScope(pattern, base, scope, surroundings)) return undefined;
  return `pattern outside of ${scope}: ${pattern}`;
}

/** Nobody can be asked by this function, and nobody's answer means no. */
function approvalProblem({ ask_tools, ask_commands }: Permissions, tool: string, command: string): string | undefined {
  const asked = names(ask_tools, tool) ? tool : command && firstMatch(command, ask_commands);
  return asked ? `needs the approval of a person: ${asked}` : undefined;
}
