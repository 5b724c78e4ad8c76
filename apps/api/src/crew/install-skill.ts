import type { AgentRow, Database } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { CrewError, type Skill, skillKey } from '@agentcrew/protocol';
import { skillsOf, withSkill } from './skills.ts';

/** How much longer than the installer an answer may take, in milliseconds. */
const reserveMs = 10_000;

export type Installed = { ok: true; output: string; skills: Skill[] } | { ok: false; output: string; error: string };

/**
 * Has a running agent install a skill, and makes it one of the agent's. When others are being installed in it, it waits
 * for one of them at most.
 * @throws CrewError AGENT_NOT_RUNNING
 */
export async function installSkill(
  { db, bus, timeoutMs }: { db: Database; bus: TeamBus | undefined; timeoutMs: number },
  agent: AgentRow,
  skill: Skill,
): Promise<Installed> {
  if (!bus?.connected) throw new CrewError('AGENT_NOT_RUNNING', 'the agent cannot be reached');
  const deadlineMs = 2 * timeoutMs + reserveMs;
  const answer = await bus.request(agent.slug, { type: 'install_skill', skill }, deadlineMs).catch((error: unknown) => {
    if (error instanceof CrewError) return { ok: false, output: '', error: error.message };
    throw error;
  });
  const { output = '', error = 'the agent refused' } = answer;
  if (!answer.ok) return { ok: false, output, error };
  const present = db.agents.get(agent.team_id, agent.id);
  if (!present) throw new CrewError('AGENT_NOT_FOUND', 'agent not found');
  const sub_agent_skills = withSkill(present, skill);
  const others = (present.skill_statuses ?? []).filter(({ name }) => name !== skillKey(skill));
  const skill_statuses = [...others, { name: skillKey(skill), status: 'installed' as const }];
  db.agents.update(agent.id, { sub_agent_skills, skill_statuses });
  return { ok: true, output, skills: skillsOf({ sub_agent_skills }) };
}
