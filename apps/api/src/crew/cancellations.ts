import type { AgentRow, MessageRow } from '@agentcrew/models';
import { messageOf } from '@agentcrew/protocol';
import { addresseeOf } from './addressee.ts';
import { interruptAgent } from './interrupt.ts';
import { type TeamWork, type TeamWorkDeps, teamWork } from './team-work.ts';

/** Ends the turns of messages for whose replies nobody waits any more, and no other turns. */
export type Cancellations = TeamWork;

/** Those that are not answered after they were told are told again with the next kick: a reconnect, the reconciler's tick. */
export function createCancellations(deps: TeamWorkDeps): Cancellations {
  async function tellAll(teamId: string): Promise<void> {
    const agents = deps.db.agents.listByTeam(teamId);
    const cancelled = deps.db.messages.unanswered(teamId).filter(({ cancel_reason }) => cancel_reason !== null);
    await Promise.all(cancelled.map(async (message) => tell(deps, message, addresseeOf(message, agents))));
  }

  return teamWork((teamId) =>
    tellAll(teamId).catch((error: unknown) => {
      deps.log.warn({ team_id: teamId, error: messageOf(error) }, 'turns not cancelled');
    }),
  );
}

/** One that has not reached its agent is not sent any more, and answered here, if the agent cannot be told. */
async function tell(deps: TeamWorkDeps, message: MessageRow, agent: AgentRow | undefined): Promise<void> {
  if (!agent) return;
  const { team_id, message_id, cancel_reason } = message;
  const reason = cancel_reason ?? '';
  try {
    await interruptAgent(deps.busOf(team_id), agent, { reason, messageId: message_id });
  } catch (error) {
    deps.log.info({ team_id, message_id, error: messageOf(error) }, 'cancellation waits for its agent');
    if (deps.db.messages.get(message_id)?.delivery === 'pending') {
      deps.messages.storeFailure(message, agent.slug, 'TURN_TIMEOUT', reason);
    }
  }
}
