import type { McpServer } from '@agentcrew/models';

/** The servers as Claude Code's `.mcp.json` has them. */
export function toMcpJson(servers: readonly McpServer[]): object {
  return { mcpServers: Object.fromEntries(servers.map((server) => [server.name, entryOf(server)])) };
}

function entryOf({ transport, command, args, url, env, headers }: McpServer): object {
  if (transport === 'stdio') return { command, ...(args && { args }), ...(env && { env }) };
  return { ...(transport === 'http' && { type: 'http' }), url, ...(headers && { headers }) };
}

/**
 * The servers in either form: a list of ours, or `{"mcpServers": {…}}`. Not checked any further; `undefined` for anything
 * else.
 */
export function fromMcpJson(content: unknown): unknown[] | undefined {
  if (Array.isArray(content)) return content;
  const servers = isObject(content) ? content.mcpServers : undefined;
  if (!isObject(servers)) return undefined;
  return Object.entries(servers).map(([name, entry]) =>
    isObject(entry) ? { ...entry, name, ...transportOf(entry) } : entry,
  );
}

function transportOf({ type, command }: Record<string, unknown>): { transport: string } {
  if (type === 'http' || type === 'sse') return { transport: type };
  return { transport: command === undefined ? 'sse' : 'stdio' };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
