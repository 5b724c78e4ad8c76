import { defaultOrgId, type TeamRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { createTeam, updateTeam } from '../crew/roster.ts';
import { checkWorkspacePath } from '../crew/workspace-path.ts';
import { teamOf } from '../plugins/team-lookup.ts';
import { agentColumns } from '../schemas/agent.ts';
import { errors, teamParams } from '../schemas/common.ts';
import { resourcesProblem } from '../schemas/resources.ts';
import { modelProviderProblem, newTeamSchema, teamJson, teamPatchSchema, teamSchema } from '../schemas/team.ts';

export interface TeamRoutesOptions {
  crew: Crew;
  workspaceRoots: string[];
  /** Name of the server's runtime: the default of a team's cosmetic `runtime` field. */
  defaultRuntime: string;
}

/** Teams: read, create, change, delete. */
export async function teamRoutes(app: FastifyInstance, options: TeamRoutesOptions): Promise<void> {
  const { db, deployer, budgets, briefings } = options.crew;
  const runtimeName = options.crew.runtime.name;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['teams'];
  // Folders of the host are the operator's: two organisations must not share one.
  const rootsFor = ({ identity }: FastifyRequest) => (identity.org_id === defaultOrgId ? options.workspaceRoots : []);
  const full = (team: TeamRow) => teamJson(team, db.agents.listByTeam(team.id));

  routes.get(
    '/api/teams',
    { schema: { tags, summary: 'List teams', response: { 200: z.array(teamSchema) } } },
    async ({ identity }) => {
      const teams = db.teams.list(identity.org_id);
      const agents = Map.groupBy(db.agents.listByTeams(teams.map(({ id }) => id)), ({ team_id }) => team_id);
      return teams.map((team) => teamJson(team, agents.get(team.id) ?? []));
    },
  );

  routes.post(
    '/api/teams',
    {
      schema: {
        tags,
        summary: 'Create a team with its agents',
        body: newTeamSchema,
        response: { 201: teamSchema, ...errors(400, 409, 413) },
      },
    },
    async (request, reply) => {
      const { agents = [], runtime, provider, model_provider, ...input } = request.body;
      for (const [index, { resources }] of agents.entries()) {
        const problem = resourcesProblem(resources, runtimeName);
        if (problem) throw new CrewError('INVALID_REQUEST', `agents[${index}].${problem}`);
      }
      if (input.workspace_path) checkWorkspacePath(input.workspace_path, rootsFor(request), runtimeName);
      const created = createTeam(
        db,
        {
          ...input,
          org_id: request.identity.org_id,
          runtime: runtime || options.defaultRuntime,
          provider: provider || 'claude',
          model_provider: provider === 'opencode' ? model_provider : '',
        },
        agents.map(agentColumns),
      );
      return reply.code(201).send(teamJson(created.team, created.agents));
    },
  );

  const one = { onRequest: app.findTeam, schema: { tags, params: teamParams } };

  routes.get(
    '/api/teams/:id',
    { ...one, schema: { ...one.schema, summary: 'Show a team', response: { 200: teamSchema, ...errors(404) } } },
    async (request) => full(teamOf(request)),
  );

  routes.put(
    '/api/teams/:id',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Change a team; absent fields stay',
        description:
          'A budget takes effect at once, name, description and MCP servers with the next turn, the rest with the next deploy.',
        body: teamPatchSchema,
        response: { 200: teamSchema, ...errors(400, 404, 409) },
      },
    },
    async (request) => {
      const team = teamOf(request);
      const { provider, ...patch } = request.body;
      const problem = modelProviderProblem(provider || team.provider, patch.model_provider ?? '');
      if (problem) throw new CrewError('INVALID_REQUEST', `model_provider ${problem}`);
      if (patch.workspace_path) checkWorkspacePath(patch.workspace_path, rootsFor(request), runtimeName);
      const updated = updateTeam(db, team, { ...patch, provider: provider || undefined });
      if (patch.budget !== undefined) budgets.changed(team.id, { always: true });
      await briefings.tell(team.id);
      return full(updated);
    },
  );

  routes.delete(
    '/api/teams/:id',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Delete a stopped team with its workspace and messages',
        response: { 204: z.undefined(), ...errors(404, 409) },
      },
    },
    async (request, reply) => {
      await deployer.remove(teamOf(request));
      return reply.code(204).send();
    },
  );

  routes.post(
    '/api/teams/:id/deploy',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Deploy a team',
        description:
          'Answers at once with the status `deploying`; the outcome is `running` or `error` with a `status_message`.',
        response: { 200: teamSchema, ...errors(404, 409) },
      },
    },
    async (request) => full(deployer.deploy(teamOf(request))),
  );

  routes.post(
    '/api/teams/:id/stop',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Stop a team; its workspace and sessions stay',
        description:
          'Cancels a deploy, ends running turns, answers what waited with a failure, and returns when all is ended.',
        response: { 200: teamSchema, ...errors(404, 409) },
      },
    },
    async (request) => full(await deployer.stop(teamOf(request))),
  );
}
