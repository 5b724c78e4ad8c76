import { resolve } from 'node:path';
import { type Permissions, permissionsSchema, type StoredPermissions } from './schema.ts';

export type RuntimeName = 'docker' | 'kubernetes' | 'local' | 'mock';

/** Where the workspace is mounted in containers; permissions may call the workspace so on every runtime. */
const containerWorkspace = '/workspace';

const fileTools = ['Read', 'Edit', 'Write', 'Glob', 'Grep', 'TodoWrite'];

const nothing: Permissions = Object.freeze({
  allowed_tools: [],
  allowed_commands: [],
  denied_commands: [],
  filesystem_scope: '',
  ask_tools: [],
  ask_commands: [],
});

/**
 * The profile of an agent without permissions of its own. Processes on this host get no Bash: nothing but the gate
 * would keep a command inside the workspace. A container does.
 */
export function defaultPermissions(runtime: RuntimeName, workspace: string): Permissions {
  const allowed_tools = runtime === 'local' ? fileTools : ['Bash', 'Agent', ...fileTools];
  return { ...nothing, allowed_tools, filesystem_scope: resolve(workspace) };
}

/**
 * What stored permissions mean: none, or `{}`, the default profile; everything else what it says, and what cannot be
 * read denies every tool.
 */
export function effectivePermissions(stored: unknown, runtime: RuntimeName, workspace: string): Permissions {
  if (stored === null || stored === undefined) return defaultPermissions(runtime, workspace);
  const parsed = permissionsSchema.safeParse(stored);
  if (!parsed.success) return nothing;
  if (Object.keys(stored).length === 0) return defaultPermissions(runtime, workspace);
  return fromStored(parsed.data, resolve(workspace));
}

function fromStored(stored: StoredPermissions, workspace: string): Permissions {
  const { approval_timeout_seconds: _, filesystem_scope, ...lists } = stored;
  return { ...nothing, ...lists, filesystem_scope: absoluteScope(filesystem_scope ?? workspace, workspace) };
}

/** So that one definition of a team works on every runtime, `/workspace` is the workspace wherever that really is. */
function absoluteScope(scope: string, workspace: string): string {
  if (scope === '') return '';
  const inContainer = scope === containerWorkspace || scope.startsWith(`${containerWorkspace}/`);
  return resolve(workspace, inContainer ? `.${scope.slice(containerWorkspace.length)}` : scope);
}
