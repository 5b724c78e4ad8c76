import { randomBytes, randomUUID } from 'node:crypto';
import type { AgentRow, Database, NewAgent, NewTeam, SkillStatus, TeamRow } from '@agentcrew/models';
import { CrewError, skillKey } from '@agentcrew/protocol';
import { remainingStatuses, requireOtherNames, unmasked } from './mcp-servers.ts';
import { skillsOf } from './skills.ts';
import { newSlug } from './slug.ts';

export type TeamInput = Omit<NewTeam, 'id' | 'slug' | 'nats_token'>;
export type AgentInput = Omit<NewAgent, 'id' | 'team_id' | 'slug'>;

/**
 * Stores a team with its agents, all or nothing.
 * @throws CrewError TEAM_NAME_TAKEN, AGENT_NAME_TAKEN (two agents of one name, whatever the case).
 */
export function createTeam(
  db: Database,
  input: TeamInput,
  agents: AgentInput[],
): { team: TeamRow; agents: AgentRow[] } {
  return db.transaction(() => {
    const id = randomUUID();
    const slug = newSlug(input.name, id, (candidate) => db.teams.findBySlug(candidate) !== undefined);
    const mcp_servers = input.mcp_servers && unmasked(input.mcp_servers, []);
    const team = db.teams.insert({ ...input, mcp_servers, id, slug, nats_token: newNatsToken() });
    return { team, agents: agents.map((agent) => createAgent(db, team, agent)) };
  });
}

/** A password for a team's NATS user. */
export function newNatsToken(): string {
  return randomBytes(24).toString('base64url');
}

/** @throws CrewError AGENT_NAME_TAKEN */
export function createAgent(db: Database, team: TeamRow, input: AgentInput): AgentRow {
  const id = randomUUID();
  const others = db.agents.listByTeam(team.id);
  requireOtherNames(input.mcp_servers, team.mcp_servers, 'the team');
  const taken = (slug: string) => others.some((other) => other.slug.toLowerCase() === slug.toLowerCase());
  return db.agents.insert({
    ...input,
    mcp_servers: input.mcp_servers && unmasked(input.mcp_servers, []),
    id,
    org_id: team.org_id,
    team_id: team.id,
    slug: newSlug(input.name, id, taken),
  });
}

/**
 * A changed `model_provider` makes the agents' models meaningless: they inherit again.
 * @throws CrewError TEAM_NAME_TAKEN, MCP_SERVER_NAME_TAKEN
 */
export function updateTeam(db: Database, team: TeamRow, patch: Partial<TeamInput>): TeamRow {
  return db.transaction(() => {
    const provider = patch.provider ?? team.provider;
    const model_provider = provider === 'claude' ? '' : patch.model_provider;
    const agents = db.agents.listByTeam(team.id);
    for (const agent of agents) requireOtherNames(patch.mcp_servers, agent.mcp_servers, `the agent ${agent.name}`);
    const mcp_servers = patch.mcp_servers && unmasked(patch.mcp_servers, team.mcp_servers ?? []);
    const servers = { mcp_servers: mcp_servers ?? team.mcp_servers };
    const mcp_statuses = mcp_servers && remainingStatuses(team.mcp_statuses, servers, agents);
    const updated = db.teams.update(team.id, { ...patch, mcp_servers, mcp_statuses, model_provider });
    if (!updated) throw new CrewError('TEAM_NOT_FOUND', 'team not found');
    if (updated.model_provider !== team.model_provider) {
      for (const agent of agents) db.agents.update(agent.id, { sub_agent_model: 'inherit' });
    }
    return updated;
  });
}

/** @throws CrewError AGENT_NOT_FOUND, AGENT_NAME_TAKEN, MCP_SERVER_NAME_TAKEN */
export function updateAgent(db: Database, team: TeamRow, agent: AgentRow, patch: Partial<AgentInput>): AgentRow {
  requireOtherNames(patch.mcp_servers, team.mcp_servers, 'the team');
  const mcp_servers = patch.mcp_servers && unmasked(patch.mcp_servers, agent.mcp_servers ?? []);
  const skill_statuses = patch.sub_agent_skills === undefined ? undefined : knownStatuses(agent, patch);
  const updated = db.agents.update(agent.id, { ...patch, mcp_servers, skill_statuses });
  if (!updated) throw new CrewError('AGENT_NOT_FOUND', 'agent not found');
  if (mcp_servers) {
    const mcp_statuses = remainingStatuses(team.mcp_statuses, team, db.agents.listByTeam(team.id));
    db.teams.update(team.id, { mcp_statuses });
  }
  return updated;
}

/** Forgets the agent, and what it said that a later one of its name has not said. */
export function removeAgent(db: Database, { id, team_id, slug }: AgentRow): void {
  db.transaction(() => {
    const mcp_statuses = db.teams.get(team_id)?.mcp_statuses?.filter(({ agent }) => agent !== slug);
    if (mcp_statuses) db.teams.update(team_id, { mcp_statuses });
    db.agents.delete(id);
  });
}

/** What is known of skills that the agent still has. */
function knownStatuses({ skill_statuses }: AgentRow, { sub_agent_skills }: Partial<AgentInput>): SkillStatus[] | null {
  const keys = skillsOf({ sub_agent_skills }).map(skillKey);
  return skill_statuses?.filter(({ name }) => keys.includes(name)) ?? null;
}
