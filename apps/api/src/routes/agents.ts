import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { createAgent, removeAgent, updateAgent } from '../crew/roster.ts';
import { agentOf, teamOf } from '../plugins/team-lookup.ts';
import {
  agentColumns,
  agentJson,
  agentPatchSchema,
  agentSchema,
  modelProblem,
  newAgentSchema,
} from '../schemas/agent.ts';
import { agentParams, errors, teamParams } from '../schemas/common.ts';
import { type Resources, resourcesProblem } from '../schemas/resources.ts';

/**
 * The members of a team. Changes take effect with the next deploy, but those of a budget at once, and those of texts that
 * are part of the instructions, and MCP servers, with the next turn.
 */
export async function agentRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { db, runtime } = crew;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['agents'];
  const ofTeam = { onRequest: app.findTeam, schema: { tags, params: teamParams } };
  const checkResources = (resources: Resources | undefined) => {
    const problem = resourcesProblem(resources, runtime.name);
    if (problem) throw new CrewError('INVALID_REQUEST', problem);
  };
  /** A deploy that has begun would start an agent that is not there any more. */
  function requireNotDeploying(teamId: string): void {
    if (db.teams.get(teamId)?.status === 'deploying')
      throw new CrewError('TEAM_DEPLOYING', 'the team is being deployed: stop it before deleting an agent');
  }
  const one = { onRequest: [app.findTeam, app.findAgent], schema: { tags, params: agentParams } };

  routes.get(
    '/api/teams/:id/agents',
    {
      ...ofTeam,
      schema: { ...ofTeam.schema, summary: 'List agents', response: { 200: z.array(agentSchema), ...errors(404) } },
    },
    async (request) => db.agents.listByTeam(teamOf(request).id).map(agentJson),
  );

  routes.post(
    '/api/teams/:id/agents',
    {
      ...ofTeam,
      schema: {
        ...ofTeam.schema,
        summary: 'Add an agent',
        body: newAgentSchema,
        response: { 201: agentSchema, ...errors(400, 404, 409) },
      },
    },
    async (request, reply) => {
      const team = teamOf(request);
      checkModel(request.body.sub_agent_model, team);
      checkResources(request.body.resources);
      return reply.code(201).send(agentJson(createAgent(db, team, agentColumns(request.body))));
    },
  );

  routes.get(
    '/api/teams/:id/agents/:agentId',
    { ...one, schema: { ...one.schema, summary: 'Show an agent', response: { 200: agentSchema, ...errors(404) } } },
    async (request) => agentJson(agentOf(request)),
  );

  routes.put(
    '/api/teams/:id/agents/:agentId',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Change an agent; absent fields stay',
        body: agentPatchSchema,
        response: { 200: agentSchema, ...errors(400, 404, 409) },
      },
    },
    async (request) => {
      checkModel(request.body.sub_agent_model, teamOf(request));
      checkResources(request.body.resources);
      const updated = updateAgent(db, teamOf(request), agentOf(request), agentColumns(request.body));
      if (request.body.budget !== undefined) crew.budgets.changed(updated.team_id, { always: true });
      await crew.briefings.tell(updated.team_id);
      return agentJson(updated);
    },
  );

  routes.delete(
    '/api/teams/:id/agents/:agentId',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Remove an agent that does not run',
        response: { 204: z.undefined(), ...errors(404, 409) },
      },
    },
    async (request, reply) => {
      const agent = agentOf(request);
      if (agent.container_status === 'running') {
        throw new CrewError('AGENT_RUNNING', 'the agent is running: stop the team before deleting it');
      }
      requireNotDeploying(agent.team_id);
      if (agent.container_id !== '') await runtime.removeAgent(agent.container_id);
      requireNotDeploying(agent.team_id);
      crew.approvals.cancel(agent.team_id, 'The agent was removed.', agent.slug);
      removeAgent(db, agent);
      return reply.code(204).send();
    },
  );
}

function checkModel(model: string | undefined, team: { provider: string; model_provider: string }): void {
  const problem = modelProblem(model, team);
  if (problem) throw new CrewError('INVALID_REQUEST', `sub_agent_model ${problem}`);
}
