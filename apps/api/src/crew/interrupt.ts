import type { AgentRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { askAgent } from './ask-agent.ts';

const answerWithinMs = 2_000;
/** Why a turn is ended, and of which message; without one, whatever turn runs. */
export interface Interruption {
  reason: string;
  messageId?: string;
}

const byUser: Interruption = { reason: 'asked for by the user' };

/**
 * Ends the agent's running turn, which is then answered as interrupted.
 * @returns whether one was running. Throws AGENT_NOT_RUNNING when the agent cannot be reached.
 */
export async function interruptAgent(
  bus: TeamBus | undefined,
  agent: AgentRow,
  { reason, messageId }: Interruption = byUser,
): Promise<boolean> {
  const request = { type: 'interrupt' as const, reason, ...(messageId && { message_id: messageId }) };
  const answer = await askAgent(bus, agent.slug, request, answerWithinMs);
  return answer.ok && answer.error === undefined;
}

/** The same for several agents at once; those that do not answer are named. */
export async function interruptAgents(
  bus: TeamBus | undefined,
  agents: AgentRow[],
): Promise<{ interrupted: number; unreachable: string[] }> {
  const results = await Promise.all(
    agents.map(async (agent) => ({ agent, was: await interruptAgent(bus, agent).catch(() => undefined) })),
  );
  return {
    interrupted: results.filter(({ was }) => was === true).length,
    unreachable: results.filter(({ was }) => was === undefined).map(({ agent }) => agent.slug),
  };
}
