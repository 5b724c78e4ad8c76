import type { AgentRow, MessageRow } from '@agentcrew/models';

/** What messages to a team's leader are addressed to, whoever that is when they are delivered. */
const leaderAlias = 'leader';

/** The agent that a chat message is for; `undefined` when it is not in the team any more. */
export function addresseeOf({ to_agent }: Pick<MessageRow, 'to_agent'>, agents: AgentRow[]): AgentRow | undefined {
  const named = agents.find(({ slug }) => slug === to_agent);
  return named ?? (to_agent === leaderAlias ? leaderOf(agents) : undefined);
}

/** How a message to the leader is addressed: by name where another agent has taken the alias for its own. */
export function addressOfLeader(agents: AgentRow[]): string {
  const taken = agents.some(({ slug, role }) => slug === leaderAlias && role !== 'leader');
  return (taken && leaderOf(agents)?.slug) || leaderAlias;
}

/** The agent of this id, slug or name (whatever its case). */
export function findAgent(agents: AgentRow[], given: string): AgentRow | undefined {
  const name = given.toLowerCase();
  return (
    agents.find(({ id, slug }) => id === given || slug === given) ??
    agents.find((agent) => agent.name.toLowerCase() === name || agent.slug.toLowerCase() === name)
  );
}

/** The agent that leads. */
export function leaderOf(agents: AgentRow[]): AgentRow | undefined {
  return agents.find(({ role }) => role === 'leader');
}
