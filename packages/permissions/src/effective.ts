import { resolve } from 'node:path';
import { questionTool } from './approved.ts';
import { type Permissions, permissionsSchema, type StoredPermissions } from './schema.ts';

export type RuntimeName = 'docker' | 'kubernetes' | 'local' | 'mock';

/** Where the workspace is mounted in containers; permissions may call the workspace so on every runtime. */
const containerWorkspace = '/workspace';

/** Commands in a container may use its folder for temporary files too: nobody else sees it. */
const temporaryFolder = '/tmp';

/** The tools with which an agent talks to its team. */
export const crewTools = 'mcp__crew__*';

const fileTools = ['Read', 'Edit', 'Write', 'Glob', 'Grep', 'TodoWrite'];

/** Fields that approvals add by themselves: alone they do not replace the default profile. */
const additions: readonly string[] = ['approved_commands', 'approved_tools'];

const defaultApprovalSeconds = 3_600;

const nothing: Permissions = Object.freeze({
  allowed_tools: [],
  allowed_commands: [],
  denied_commands: [],
  filesystem_scope: '',
  command_scopes: [],
  read_scopes: [],
  ask_tools: [],
  ask_commands: [],
  approved_commands: [],
  approved_tools: [],
  approval_timeout_seconds: defaultApprovalSeconds,
});

/**
 * The profile of an agent without permissions of its own. In a container: the standard tools, every command that keeps
 * to the workspace and the folder for temporary files. On this host, where nothing but the gate stands between a
 * command and the rest: the same file tools, and a person is asked about each command.
 */
export function defaultPermissions(runtime: RuntimeName, workspace: string): Permissions {
  const filesystem_scope = resolve(workspace);
  if (runtime === 'local')
    return {
      ...nothing,
      allowed_tools: ['Bash', questionTool, ...fileTools, crewTools],
      filesystem_scope,
      ask_commands: ['*'],
    };
  return {
    ...nothing,
    allowed_tools: ['Bash', 'Agent', questionTool, ...fileTools, crewTools],
    filesystem_scope,
    command_scopes: [temporaryFolder],
  };
}

/**
 * What stored permissions mean: none, `{}`, or nothing but approvals, the default profile; everything else what it says,
 * and what cannot be read denies every tool. Who may use any tool may also talk to its team.
 */
export function effectivePermissions(stored: unknown, runtime: RuntimeName, workspace: string): Permissions {
  if (stored === null || stored === undefined) return defaultPermissions(runtime, workspace);
  const parsed = permissionsSchema.safeParse(stored);
  if (!parsed.success) return nothing;
  if (Object.keys(stored).every((field) => additions.includes(field))) {
    return { ...defaultPermissions(runtime, workspace), ...parsed.data };
  }
  return {
    ...fromStored(parsed.data, resolve(workspace)),
    command_scopes: runtime === 'local' ? [] : [temporaryFolder],
  };
}

function fromStored(stored: StoredPermissions, workspace: string): Permissions {
  const { filesystem_scope, allowed_tools = [], ...rest } = stored;
  return {
    ...nothing,
    ...rest,
    allowed_tools: allowed_tools.length > 0 ? [...allowed_tools, crewTools] : [],
    filesystem_scope: absoluteScope(filesystem_scope ?? workspace, workspace),
  };
}

/** So that one definition of a team works on every runtime, `/workspace` is the workspace wherever that really is. */
function absoluteScope(scope: string, workspace: string): string {
  if (scope === '') return '';
  const inContainer = scope === containerWorkspace || scope.startsWith(`${containerWorkspace}/`);
  return resolve(workspace, inContainer ? `.${scope.slice(containerWorkspace.length)}` : scope);
}
