import { randomBytes, randomUUID } from 'node:crypto';
import type { AgentRow, Database, NewAgent, NewTeam, TeamRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
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
    const team = db.teams.insert({ ...input, id, slug, nats_token: newNatsToken() });
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
  const taken = (slug: string) => others.some((other) => other.slug.toLowerCase() === slug.toLowerCase());
  return db.agents.insert({
    ...input,
    id,
    org_id: team.org_id,
    team_id: team.id,
    slug: newSlug(input.name, id, taken),
  });
}

/** A changed `model_provider` makes the agents' models meaningless: they inherit again. */
export function updateTeam(db: Database, team: TeamRow, patch: Partial<TeamInput>): TeamRow {
  return db.transaction(() => {
    const provider = patch.provider ?? team.provider;
    const model_provider = provider === 'claude' ? '' : patch.model_provider;
    const updated = db.teams.update(team.id, { ...patch, model_provider });
    if (!updated) throw new CrewError('TEAM_NOT_FOUND', 'team not found');
    if (updated.model_provider !== team.model_provider) {
      for (const agent of db.agents.listByTeam(team.id)) db.agents.update(agent.id, { sub_agent_model: 'inherit' });
    }
    return updated;
  });
}
