import type { McpServer, TeamRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { fromMcpJson, toMcpJson } from '../crew/mcp-format.ts';
import { findServer, masked, nameTaken, unmasked } from '../crew/mcp-servers.ts';
import { updateTeam } from '../crew/roster.ts';
import { teamOf } from '../plugins/team-lookup.ts';
import { errors, teamParams } from '../schemas/common.ts';
import { mcpServersSchema, newMcpServerSchema } from '../schemas/mcp-server.ts';
import { teamJson, teamSchema } from '../schemas/team.ts';
import { ruleMessage } from '../validation-message.ts';

const longestContent = 1_048_576;

const contentSchema = z
  .object({
    content: z
      .string()
      .describe(
        'JSON; secrets are masked. Of a team that runs in the form of `.mcp.json`, otherwise a list of servers',
      ),
    path: z.string().describe('Always empty: the servers are in no file of the workspace'),
    provider: z.string(),
  })
  .meta({ id: 'McpConfig' });

/** The MCP servers that all agents of a team work with. Running agents take a change over with their next turn. */
export async function mcpRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { db, briefings } = crew;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['mcp'];
  const one = { onRequest: app.findTeam, schema: { tags, params: teamParams } };

  /** Stores the team's servers, all at once, and tells its agents. */
  async function replace(team: TeamRow, servers: McpServer[]): Promise<TeamRow> {
    const updated = updateTeam(db, team, { mcp_servers: servers });
    await briefings.tell(team.id);
    return updated;
  }

  routes.get(
    '/api/teams/:id/mcp',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Show the MCP servers as text',
        response: { 200: contentSchema, ...errors(404) },
      },
    },
    async (request) => {
      const team = teamOf(request);
      const servers = masked(team.mcp_servers) ?? [];
      const content = JSON.stringify(team.status === 'running' ? toMcpJson(servers) : servers, undefined, 2);
      return { content, path: '', provider: team.provider };
    },
  );

  routes.put(
    '/api/teams/:id/mcp',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Replace the MCP servers by those of a text',
        description: 'JSON in the form of `.mcp.json`, or a list of servers. A masked value keeps the stored one.',
        body: z.object({ content: z.string().max(longestContent) }),
        response: {
          200: z.object({ status: z.enum(['saved', 'written']), path: z.string() }),
          ...errors(400, 404, 409, 413),
        },
      },
    },
    async (request) => {
      const team = teamOf(request);
      await replace(team, readContent(request.body.content));
      return { status: team.status === 'running' ? ('written' as const) : ('saved' as const), path: '' };
    },
  );

  routes.post(
    '/api/teams/:id/mcp/servers',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Add an MCP server',
        body: newMcpServerSchema,
        response: { 201: teamSchema, ...errors(400, 404, 409, 413) },
      },
    },
    async (request, reply) => {
      const team = teamOf(request);
      const present = team.mcp_servers ?? [];
      if (findServer(present, request.body.name)) throw nameTaken(request.body.name, 'the team');
      // A mask is none of the values that it shows.
      const updated = await replace(team, checked([...present, ...unmasked([request.body], [])]));
      return reply.code(201).send(teamJson(updated, db.agents.listByTeam(team.id)));
    },
  );

  routes.delete(
    '/api/teams/:id/mcp/servers/:serverName',
    {
      ...one,
      schema: {
        ...one.schema,
        params: teamParams.extend({ serverName: z.string() }),
        summary: 'Remove an MCP server',
        response: { 204: z.undefined(), ...errors(404, 409) },
      },
    },
    async (request, reply) => {
      const team = teamOf(request);
      const present = team.mcp_servers ?? [];
      const server = findServer(present, request.params.serverName);
      if (!server) throw new CrewError('MCP_SERVER_NOT_FOUND', 'MCP server not found');
      await replace(
        team,
        present.filter((other) => other !== server),
      );
      return reply.code(204).send();
    },
  );
}

function readContent(text: string): McpServer[] {
  const servers = fromMcpJson(parsed(text));
  if (!servers) {
    throw new CrewError('INVALID_REQUEST', 'content must be a list of MCP servers, or an object with "mcpServers"');
  }
  return checked(servers);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and with it perhaps a secret.
    throw new CrewError('INVALID_REQUEST', 'content must be valid JSON');
  }
}

function checked(servers: unknown[]): McpServer[] {
  const result = mcpServersSchema.safeParse(servers);
  if (result.success) return result.data;
  throw new CrewError('INVALID_REQUEST', ruleMessage(result.error, 'mcp_servers'));
}
