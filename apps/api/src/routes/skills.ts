import { CrewError, defaultSkillInstallMs, mostSkills, skillKey, skillSchema } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { installSkill } from '../crew/install-skill.ts';
import { skillsOf, withAddress } from '../crew/skills.ts';
import { agentOf, teamOf } from '../plugins/team-lookup.ts';
import { agentParams, errorSchema, errors } from '../schemas/common.ts';

/** Skills of running agents. */
export async function skillRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { db, buses, briefings } = crew;
  const timeoutMs = crew.limits.skill_install_ms ?? defaultSkillInstallMs;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  async function requireRunningTeam(request: FastifyRequest): Promise<void> {
    if (teamOf(request).status !== 'running') throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
  }
  async function requireRunningAgent(request: FastifyRequest): Promise<void> {
    if (agentOf(request).container_status === 'running') return;
    throw new CrewError('AGENT_NOT_RUNNING', 'agent is not running');
  }

  routes.post(
    '/api/teams/:id/agents/:agentId/skills/install',
    {
      onRequest: [app.findTeam, requireRunningTeam, app.findAgent, requireRunningAgent],
      schema: {
        tags: ['agents'],
        summary: 'Install a skill in a running agent; also again, for a newer version',
        description:
          'Answers when the installer has ended. The skill becomes one of `sub_agent_skills`, and the agent knows it from its next turn on.',
        params: agentParams,
        body: skillSchema,
        response: {
          200: z.object({
            output: z.string().describe('What the installer printed, the last 64 KiB'),
            updated_skills: z.array(z.object({ repo_url: z.string(), skill_name: z.string() })),
          }),
          500: errorSchema.extend({ output: z.string().optional() }).describe('The installer failed; `error` says why'),
          ...errors(400, 404, 409),
        },
      },
    },
    async (request, reply) => {
      const agent = agentOf(request);
      const skill = withAddress(request.body);
      const present = skillsOf(agent);
      if (present.length >= mostSkills && !present.some((one) => skillKey(one) === skillKey(skill))) {
        throw new CrewError('INVALID_REQUEST', `an agent has at most ${mostSkills} skills`);
      }
      const installed = await installSkill({ db, bus: buses.get(agent.team_id), timeoutMs }, agent, skill);
      if (installed.ok) {
        await briefings.tell(agent.team_id);
        return { output: installed.output, updated_skills: installed.skills };
      }
      const { error, output } = installed;
      return reply.code(500).send({ error, code: 'SKILL_INSTALL_FAILED', output, request_id: request.id });
    },
  );
}
