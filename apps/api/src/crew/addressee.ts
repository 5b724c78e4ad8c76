import type { AgentRow, MessageRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';

/** What clients see as the addressee of a message to a team's leader. */
const leaderAlias = 'leader';

/** To whom a new message goes. */
export interface Address {
  /** Slug of an agent, or `leader`. */
  to: string;
  /** The agent that is to answer, also when another one leads the team by then. */
  addresseeId: string;
}

/**
 * The agent that a message is for; `undefined` when it is not in the team any more. What an agent that was removed has
 * not answered falls to the leader, if it was for the leader.
 */
export function addresseeOf(
  { to_agent, addressee_id }: Pick<MessageRow, 'to_agent' | 'addressee_id'>,
  agents: AgentRow[],
): AgentRow | undefined {
  const known = agents.find(({ id }) => id === addressee_id) ?? agents.find(({ slug }) => slug === to_agent);
  return known ?? (to_agent === leaderAlias ? leaderOf(agents) : undefined);
}

/**
 * Who answers a new message: the chosen agent, or else the leader.
 * @throws CrewError AGENT_NOT_RUNNING for one that was added since the deploy: it would not answer before the next one
 */
export function answererOf(agents: AgentRow[], chosen?: AgentRow): AgentRow {
  const agent = chosen ?? leaderOf(agents);
  if (!agent) throw new CrewError('AGENT_NOT_RUNNING', 'no agent leads the team');
  if (agent.container_id !== '') return agent;
  const who = chosen ? 'the agent' : `${agent.name} leads the team and`;
  throw new CrewError('AGENT_NOT_RUNNING', `${who} starts with the next deploy`);
}

/** The address of a new message. The leader has it by name where another agent has taken the alias. Throws like `answererOf`. */
export function addressFor(agents: AgentRow[], chosen?: AgentRow): Address {
  const { id, slug } = answererOf(agents, chosen);
  const taken = agents.some((agent) => agent.slug === leaderAlias && agent.id !== id);
  return { to: chosen || taken ? slug : leaderAlias, addresseeId: id };
}

/** The agent of this id, slug or name (whatever its case). */
export function findAgent(agents: AgentRow[], given: string): AgentRow | undefined {
  const name = given.toLowerCase();
  return (
    agents.find(({ id, slug }) => id === given || slug === given) ??
    agents.find((agent) => agent.name.toLowerCase() === name || agent.slug.toLowerCase() === name)
  );
}

/** The agent that leads; one that was added since the deploy only when no other does. */
export function leaderOf(agents: AgentRow[]): AgentRow | undefined {
  const leaders = agents.filter(({ role }) => role === 'leader');
  return leaders.find(({ container_id }) => container_id !== '') ?? leaders[0];
}
