import { z } from 'zod';

/** More than a team and an agent may have together. */
const mostServers = 100;

const texts = z.record(z.string(), z.string());

/** An MCP server that an agent's Claude Code starts or connects to. What it may say is checked where it is stored. */
export const agentMcpServerSchema = z.object({
  name: z.string().min(1),
  transport: z.enum(['stdio', 'http', 'sse']),
  command: z.string().optional(),
  args: z.array(z.string()).optional(),
  url: z.string().optional(),
  /** Values are secrets, here and in `headers`. */
  env: texts.optional(),
  headers: texts.optional(),
});
export type AgentMcpServer = z.infer<typeof agentMcpServerSchema>;

export const agentMcpServersSchema = z.array(agentMcpServerSchema).max(mostServers);

const secretsSchema = z.record(z.string(), z.object({ env: texts.optional(), headers: texts.optional() }));

/** Name of the server with the tools of the team, which is each sidecar's own. */
const crewServerName = 'crew';

/** Whether it is called like the team's own server: such a one is left out. */
export function isCrewServer(name: string): boolean {
  return name.toLowerCase() === crewServerName;
}

/** Takes the secrets out of the servers, as one text; none when there are none. */
export function splitMcpSecrets(servers: readonly AgentMcpServer[]): { servers: AgentMcpServer[]; secrets?: string } {
  const taken = servers.flatMap(({ name, env, headers }) =>
    env || headers ? [[name, { env, headers }] as const] : [],
  );
  return {
    servers: servers.map(({ env: _, headers: __, ...rest }) => rest),
    ...(taken.length > 0 && { secrets: JSON.stringify(Object.fromEntries(taken)) }),
  };
}

/** The servers with their secrets; those that cannot be read are left out. */
export function joinMcpSecrets(servers: readonly AgentMcpServer[] = [], secrets: string | undefined): AgentMcpServer[] {
  const known = readSecrets(secrets);
  return servers.map((server) => ({ ...server, ...(Object.hasOwn(known, server.name) && known[server.name]) }));
}

function readSecrets(text: string | undefined): z.infer<typeof secretsSchema> {
  try {
    return secretsSchema.parse(JSON.parse(text ?? '{}'));
  } catch {
    return {};
  }
}

/**
 * `mcp_status`: how the MCP servers of an agent are, all of them. `running` and `failed`, or what else the CLI says
 * (`pending`).
 */
export const mcpStatusPayloadSchema = z.looseObject({
  agent_name: z.string(),
  servers: z
    .array(z.object({ name: z.string().max(64), status: z.string().max(64), error: z.string().max(1_000).optional() }))
    .max(mostServers),
});
export type McpStatusPayload = z.infer<typeof mcpStatusPayloadSchema>;
