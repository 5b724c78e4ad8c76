import { type AgentMcpServer, messageOf } from '@agentcrew/protocol';
import { z } from 'zod';
import type { McpServerState } from './claude.ts';
import { sdkServer } from './command-line.ts';
import type { ControlRequests } from './control-requests.ts';
import type { ToolServer } from './tool-server.ts';

/** Longer than MCP_TIMEOUT, within which each server is connected or given up. */
const connectedWithinMs = 30_000;
const statusMs = 5_000;

const statusSchema = z.object({
  mcpServers: z.array(z.object({ name: z.string(), status: z.string(), error: z.string().optional() })),
});

/**
 * Tells the CLI its MCP servers over its standard input, so that their secrets are in no argument and no file. It forgets
 * those it had: our own is told once more.
 * @returns how each of them is. Never rejects: what goes wrong is the state of the servers.
 */
export async function connectServers(
  requests: Pick<ControlRequests, 'send'>,
  servers: AgentMcpServer[],
  own: ToolServer | undefined,
): Promise<McpServerState[]> {
  const described = servers.map((server) => [server.name, configOf(server)] as const);
  const all = Object.fromEntries([...(own ? [[own.name, sdkServer(own)] as const] : []), ...described]);
  try {
    await requests.send({ subtype: 'mcp_set_servers', servers: all }, connectedWithinMs);
    const { mcpServers } = statusSchema.parse(await requests.send({ subtype: 'mcp_status' }, statusMs));
    return mcpServers.filter(({ name }) => name !== own?.name);
  } catch (error) {
    return servers.map(({ name }) => ({ name, status: 'failed', error: messageOf(error) }));
  }
}

function configOf({ transport: type, command, args, url, env, headers }: AgentMcpServer): object {
  return type === 'stdio' ? { type, command, args: args ?? [], env: env ?? {} } : { type, url, headers: headers ?? {} };
}
