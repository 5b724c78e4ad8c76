import { isDeepStrictEqual } from 'node:util';
import type { AgentRow, McpServer, McpStatus, TeamRow } from '@agentcrew/models';
import { CrewError, isCrewServer } from '@agentcrew/protocol';

/** Stands for a value in answers; sent back, it keeps the value. */
export const mask = '********';

type Texts = Record<string, string>;

/** The servers an agent works with: its team's, and its own; none of them is called like the tools of the team. */
export function serversOf(agent: Pick<AgentRow, 'mcp_servers'>, team: Pick<TeamRow, 'mcp_servers'>): McpServer[] {
  const ofTeam = team.mcp_servers ?? [];
  const own = (agent.mcp_servers ?? []).filter(({ name }) => !findServer(ofTeam, name));
  return [...ofTeam, ...own].filter(({ name }) => !isCrewServer(name));
}

export function findServer(servers: readonly McpServer[], name: string): McpServer | undefined {
  return servers.find((server) => server.name.toLowerCase() === name.toLowerCase());
}

/** The servers as anybody may see them. */
export function masked(servers: McpServer[] | null): McpServer[] | null {
  const hidden = (texts: Texts) => Object.fromEntries(Object.keys(texts).map((key) => [key, mask]));
  return (
    servers?.map((server) => ({
      ...server,
      ...(server.env && { env: hidden(server.env) }),
      ...(server.headers && { headers: hidden(server.headers) }),
    })) ?? null
  );
}

/**
 * The servers with the stored values in place of masks. A value is kept only for the program or address it was stored for:
 * otherwise who may change a server could have its secrets sent elsewhere, and read them.
 * @throws CrewError INVALID_REQUEST
 */
export function unmasked(servers: McpServer[], stored: readonly McpServer[]): McpServer[] {
  return servers.map((server) => {
    const before = findServer(stored, server.name);
    const known = before && isDeepStrictEqual(targetOf(before), targetOf(server)) ? before : undefined;
    return {
      ...server,
      ...(server.env && { env: kept(server.env, known?.env, `${server.name}: env`) }),
      ...(server.headers && { headers: kept(server.headers, known?.headers, `${server.name}: headers`) }),
    };
  });
}

function targetOf({ transport, command, args, url }: McpServer) {
  return { transport, command, args: args ?? [], url };
}

function kept(texts: Texts, stored: Texts | undefined, where: string): Texts {
  const values = Object.entries(texts).map(([key, value]) => {
    if (value !== mask) return [key, value];
    const before = stored && Object.hasOwn(stored, key) ? stored[key] : undefined;
    if (before !== undefined) return [key, before];
    const text = `mcp_servers: ${where}.${key} has no stored value for this server as it is now: send the value`;
    throw new CrewError('INVALID_REQUEST', text);
  });
  return Object.fromEntries(values);
}

/** @throws CrewError MCP_SERVER_NAME_TAKEN when one of them is called like one of the others, whatever the case. */
export function requireOtherNames(
  servers: readonly McpServer[] | null | undefined,
  others: readonly McpServer[] | null | undefined,
  whose: string,
): void {
  const taken = servers?.find(({ name }) => findServer(others ?? [], name));
  if (taken) throw nameTaken(taken.name, whose);
}

export function nameTaken(name: string, whose: string): CrewError {
  return new CrewError('MCP_SERVER_NAME_TAKEN', `${whose} has an MCP server with the name ${name} already`);
}

/** What is known of servers that are still there: those of the team, or of one of its agents. */
export function remainingStatuses(
  statuses: McpStatus[] | null,
  team: Pick<TeamRow, 'mcp_servers'>,
  agents: readonly Pick<AgentRow, 'mcp_servers'>[],
): McpStatus[] | null {
  const servers = [team, ...agents].flatMap(({ mcp_servers }) => mcp_servers ?? []);
  return statuses?.filter(({ name }) => findServer(servers, name)) ?? null;
}

/** One state for each server, from what each agent says of it: one that fails for any agent fails, and says for whom. */
export function foldedStatuses(statuses: McpStatus[] | null): McpStatus[] | null {
  const byName = Map.groupBy(statuses ?? [], ({ name }) => name);
  return statuses && [...byName].map(([name, all]) => worst(name, all));
}

function worst(name: string, all: McpStatus[]): McpStatus {
  const failed = all.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return { name, status: all.find(({ status }) => status !== 'running')?.status ?? 'running' };
  const error = failed.map((one) => `${one.agent}: ${one.error ?? 'failed'}`).join('; ');
  return { name, status: 'failed', error };
}
