import type { Permissions } from './schema.ts';

/**
 * The CLI's built-in tools that an agent can be given. Those that act by themselves after a turn (schedules, monitors,
 * background workflows) are not among them.
 */
const offered = [
  'Agent',
  'AskUserQuestion',
  'Bash',
  'Edit',
  'Glob',
  'Grep',
  'NotebookEdit',
  'Read',
  'TaskCreate',
  'TaskGet',
  'TaskList',
  'TaskUpdate',
  'TodoWrite',
  'WebFetch',
  'WebSearch',
  'Write',
];

/** Names by which the CLI calls the same tool: in other versions, or in other places of its protocol. */
const synonyms = new Map([
  ['Task', 'Agent'],
  ['TaskCreate', 'TodoWrite'],
  ['TaskGet', 'TodoWrite'],
  ['TaskList', 'TodoWrite'],
  ['TaskUpdate', 'TodoWrite'],
]);

/**
 * Whether the list names the tool: by this name, by another one of the same tool, or, a tool of an MCP server, by the
 * beginning of its name and a `*`.
 */
export function names(list: readonly string[], tool: string): boolean {
  const canonical = (name: string) => synonyms.get(name) ?? name;
  return list.some((name) => name === tool || canonical(name) === canonical(tool) || isGroupOf(name, tool));
}

function isGroupOf(name: string, tool: string): boolean {
  return /^mcp__[^*]*\*$/.test(name) && tool.startsWith(name.slice(0, -1));
}

/** The built-in tools to offer to the model (the CLI's `--tools`); what is not offered cannot be called. */
export function toolsFor(permissions: Permissions): string[] {
  return offered.filter((tool) => names(permissions.allowed_tools, tool));
}
