import type { AgentSpec } from '@agentcrew/protocol';

const leaderAfterMs = 2_000;
const workersAfterMs = 3_000;
const betweenWorkersMs = 700;
/** What each teammate adds to the time that a team takes to start, on two cores. */
const teammateStartMs = 250;

/**
 * How long after the agent is ready its CLI is started ahead of the first message, in milliseconds. Not at once: while
 * a team starts, its agents take each other's processor time. The leader's comes first, then those of the workers, one
 * after another.
 */
export function warmUpAfterMs({ role, agent, teammates }: Pick<AgentSpec, 'role' | 'agent' | 'teammates'>): number {
  const startedMs = teammates.length * teammateStartMs;
  if (role === 'leader') return leaderAfterMs + startedMs;
  const workers = [agent, ...teammates.filter((mate) => mate.role === 'worker').map(({ slug }) => slug)];
  return workersAfterMs + startedMs + workers.toSorted().indexOf(agent) * betweenWorkersMs;
}
