import type { AgentRow, TeamRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { instructionsPath, ownInstructions } from '../crew/instructions.ts';
import { agentOf, teamOf } from '../plugins/team-lookup.ts';
import { agentParams, errors, textOf } from '../schemas/common.ts';

const maxBytes = 102_400;

const instructionsSchema = z
  .object({
    content: z.string().describe('The text of `instructions_md`, or else the one made from the other fields'),
    path: z.string().describe('Where Claude Code would look for such a text; for show, there is no such file'),
  })
  .meta({ id: 'Instructions' });

/** What an agent is told about itself, to read and to edit, whether its team runs or not. */
export async function instructionRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { db, briefings } = crew;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const path = '/api/teams/:id/agents/:agentId/instructions';
  const one = { onRequest: [app.findTeam, app.findAgent], schema: { tags: ['agents'], params: agentParams } };
  const json = (agent: AgentRow, team: TeamRow) => ({
    content: ownInstructions(agent, team),
    path: instructionsPath(agent, team),
  });

  routes.get(
    path,
    {
      ...one,
      schema: {
        ...one.schema,
        summary: "Show an agent's instructions",
        response: { 200: instructionsSchema, ...errors(404) },
      },
    },
    async (request) => json(agentOf(request), teamOf(request)),
  );

  routes.put(
    path,
    {
      ...one,
      schema: {
        ...one.schema,
        summary: "Change an agent's instructions",
        description: 'An agent that runs goes by them from its next turn on, in the same conversation.',
        body: z.object({ content: textOf(maxBytes).refine((text) => text.trim() !== '', 'is required') }),
        response: { 200: instructionsSchema, ...errors(400, 404, 413) },
      },
    },
    async (request) => {
      const updated = db.agents.update(agentOf(request).id, { instructions_md: request.body.content });
      if (!updated) throw new CrewError('AGENT_NOT_FOUND', 'agent not found');
      await briefings.tell(updated.team_id);
      return json(updated, teamOf(request));
    },
  );
}
