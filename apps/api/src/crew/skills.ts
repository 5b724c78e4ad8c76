import type { AgentRow } from '@agentcrew/models';
import { isSkillName, isSkillRepository, mostSkills, type Skill, skillKey } from '@agentcrew/protocol';

/** One entry of `sub_agent_skills`, in whichever form; a plain name is a note, and nothing that could be installed. */
function readSkill(entry: unknown): Skill | undefined {
  const { repo_url, skill_name } = typeof entry === 'string' ? splitLegacy(entry) : ((entry ?? {}) as Partial<Skill>);
  if (typeof repo_url !== 'string' || typeof skill_name !== 'string') return undefined;
  return isSkillRepository(repo_url) && isSkillName(skill_name) ? withAddress({ repo_url, skill_name }) : undefined;
}

/** `owner/repo:skill`, `https://host/repo:skill`: the part before the last colon is the repository. */
function splitLegacy(text: string): Partial<Skill> {
  const colon = text.lastIndexOf(':');
  return colon < 0 ? {} : { repo_url: text.slice(0, colon), skill_name: text.slice(colon + 1) };
}

/** The same skill with its repository as an address: `owner/repo` is one of GitHub. */
export function withAddress({ repo_url, skill_name }: Skill): Skill {
  const isShort = !repo_url.includes(':');
  return { repo_url: isShort ? `https://github.com/${repo_url}` : repo_url, skill_name };
}

/** The skills that are installed in an agent, each once. */
export function skillsOf(agent: Pick<AgentRow, 'sub_agent_skills'>): Skill[] {
  const entries = Array.isArray(agent.sub_agent_skills) ? agent.sub_agent_skills : [];
  const skills = entries.map(readSkill).filter((skill) => skill !== undefined);
  return [...new Map(skills.map((skill) => [skillKey(skill), skill])).values()].slice(0, mostSkills);
}

/** `sub_agent_skills` with one more skill, in the form they have; as they are when it is among them. */
export function withSkill(agent: Pick<AgentRow, 'sub_agent_skills'>, skill: Skill): unknown[] {
  const entries: unknown[] = Array.isArray(agent.sub_agent_skills) ? agent.sub_agent_skills : [];
  if (skillsOf(agent).some((present) => skillKey(present) === skillKey(skill))) return entries;
  return [...entries, entries.some((entry) => typeof entry === 'string') ? skillKey(skill) : skill];
}
