/**
 * All subjects and stream names of a team, built and parsed here only. `team` and `agent` are slugs.
 *
 *   team.<team>.agent.<agent>     what an agent is to work on
 *   team.<team>.reply.<agent>     its answers
 *   team.<team>.activity.<agent>  what it does
 *   team.<team>.status.<agent>    working, idle, …
 *   team.<team>.approval.<agent>  questions to a person
 *   team.<team>.control.<agent>   request/reply, never stored
 */
export const storedKinds = ['agent', 'reply', 'activity', 'status', 'approval'] as const;
export type SubjectKind = (typeof storedKinds)[number] | 'control';

export function subjectFor(team: string, kind: SubjectKind, agent: string): string {
  return `team.${team}.${kind}.${agent}`;
}

/** The subjects that the team's stream stores: everything but control. */
export function streamSubjects(team: string): string[] {
  return storedKinds.map((kind) => `team.${team}.${kind}.*`);
}

export function streamName(team: string): string {
  return `TEAM_${team}`;
}

/** The durable consumer that hands an agent its messages. */
export function agentConsumer(agent: string): string {
  return `agent-${agent}`;
}

/** The durable consumer through which the server stores what the agents say. */
export const relayConsumer = 'relay';

export function parseSubject(subject: string): { team: string; kind: SubjectKind; agent: string } | undefined {
  const [root, team, kind, agent, ...rest] = subject.split('.');
  if (root !== 'team' || !team || !agent || rest.length > 0) return undefined;
  if (kind !== 'control' && !storedKinds.some((known) => known === kind)) return undefined;
  return { team, kind: kind as SubjectKind, agent };
}
