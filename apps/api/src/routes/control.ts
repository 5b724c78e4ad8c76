import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { agentStates, agentStatus } from '../crew/agent-status.ts';
import type { Crew } from '../crew/crew.ts';
import { interruptAgent, interruptAgents } from '../crew/interrupt.ts';
import { agentOf, teamOf } from '../plugins/team-lookup.ts';
import { agentParams, errors, teamParams, timestampSchema } from '../schemas/common.ts';

const statusSchema = z
  .object({
    state: z.enum(agentStates),
    reachable: z.boolean().describe('Whether the agent has answered just now; otherwise this is what the server knows'),
    current_message_id: z.string().nullable().describe('The message that it works on'),
    turn_started_at: timestampSchema.nullable(),
    queue_length: z.int().describe('Messages that wait for their turn'),
    context: z
      .object({ tokens: z.int(), window: z.int().optional() })
      .nullable()
      .describe("How much of the model's context the conversation takes"),
    last_activity_at: timestampSchema.nullable(),
    session_id: z.string().nullable().describe('Of Claude'),
  })
  .meta({ id: 'AgentStatus' });

/** What running agents do, and how to end it. */
export async function controlRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { db, buses, reconciler } = crew;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['control'];
  const one = { onRequest: [app.findTeam, app.findAgent], schema: { tags, params: agentParams } };

  function requireRunning(team: { status: string }): void {
    if (team.status !== 'running') throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
  }

  routes.post(
    '/api/teams/:id/interrupt',
    {
      onRequest: app.findTeam,
      schema: {
        tags,
        summary: 'End the running turns of all agents; their queues go on',
        params: teamParams,
        response: {
          200: z.object({ interrupted: z.int(), unreachable: z.array(z.string()).describe('Slugs of agents') }),
          ...errors(404, 409),
        },
      },
    },
    async (request) => {
      const team = teamOf(request);
      requireRunning(team);
      const running = db.agents.listByTeam(team.id).filter(({ container_status }) => container_status === 'running');
      return interruptAgents(buses.get(team.id), running);
    },
  );

  routes.post(
    '/api/teams/:id/agents/:agentId/interrupt',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: "End the agent's running turn; its queue goes on",
        response: { 200: z.object({ interrupted: z.boolean() }), ...errors(404, 409) },
      },
    },
    async (request) => {
      const team = teamOf(request);
      requireRunning(team);
      const agent = agentOf(request);
      if (agent.container_status !== 'running') throw new CrewError('AGENT_NOT_RUNNING', 'the agent is not running');
      return { interrupted: await interruptAgent(buses.get(team.id), agent) };
    },
  );

  routes.post(
    '/api/teams/:id/agents/:agentId/restart',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Start the agent anew, with its present settings; a turn that is cut off goes on afterwards',
        response: { 200: z.object({ status: z.literal('restarting') }), ...errors(404, 409) },
      },
    },
    async (request) => {
      reconciler.restart(teamOf(request), agentOf(request));
      return { status: 'restarting' as const };
    },
  );

  routes.get(
    '/api/teams/:id/agents/:agentId/status',
    {
      ...one,
      schema: { ...one.schema, summary: 'What the agent is doing', response: { 200: statusSchema, ...errors(404) } },
    },
    async (request) => {
      const [team, agent] = [teamOf(request), agentOf(request)];
      const restarting = reconciler.restarting(agent.id);
      return agentStatus({ db, bus: buses.get(team.id), restarting }, team, agent);
    },
  );
}
