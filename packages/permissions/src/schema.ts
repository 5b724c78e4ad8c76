import { z } from 'zod';

const entriesPerList = 500;
const entryLength = 1000;
/** A command that was approved may be a script of many lines. */
const commandLength = 20_000;

const entry = z.string().max(entryLength);
const list = z.array(entry).max(entriesPerList);

/**
 * An agent's permissions as clients write them and the database stores them. Unknown keys are dropped. What an absent
 * field means is decided by `effectivePermissions`.
 */
export const permissionsSchema = z
  .object({
    /** Names of tools, those of MCP servers perhaps ending in `*`. Without this list, or with an empty one, every tool is denied. */
    allowed_tools: list.optional(),
    /** Globs of which every command must match one; absent or empty: every command that is not denied. */
    allowed_commands: list.optional(),
    /** Globs of commands that never run. */
    denied_commands: list.optional(),
    /** The folder that file tools and commands may use; relative to the workspace, absent: the workspace, empty: no limit. */
    filesystem_scope: entry.optional(),
    /** Tools whose calls a person has to approve. */
    ask_tools: list.optional(),
    /** Globs of commands that a person has to approve. */
    ask_commands: list.optional(),
    /** Whole texts of Bash calls, not globs, that a person has approved for good: they are not asked about again. */
    approved_commands: z.array(z.string().max(commandLength)).max(entriesPerList).optional(),
    /** Names of other tools that a person has approved for good. */
    approved_tools: list.optional(),
    /** How long an approval is waited for. */
    approval_timeout_seconds: z.int().positive().max(604_800).optional(),
  })
  .meta({ id: 'Permissions' });

export type StoredPermissions = z.infer<typeof permissionsSchema>;

/** Permissions with nothing left open, ready to decide by. */
export interface Permissions {
  readonly allowed_tools: readonly string[];
  readonly allowed_commands: readonly string[];
  readonly denied_commands: readonly string[];
  /** Absolute; empty: no limit. */
  readonly filesystem_scope: string;
  /** Further folders, absolute, that commands may use where there is a scope. */
  readonly command_scopes: readonly string[];
  /** Further folders, absolute, that tools and commands may read where there is a scope, and not change. */
  readonly read_scopes: readonly string[];
  readonly ask_tools: readonly string[];
  readonly ask_commands: readonly string[];
  readonly approved_commands: readonly string[];
  readonly approved_tools: readonly string[];
  /** How long a person's answer is waited for. */
  readonly approval_timeout_seconds: number;
}
