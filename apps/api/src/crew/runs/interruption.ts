import type { Database, Run } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { messageOf } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import { addresseeOf } from '../addressee.ts';
import { interruptAgent } from '../interrupt.ts';
import type { MessageLog } from '../message-log.ts';

export interface InterruptionDeps {
  db: Database;
  messages: MessageLog;
  busOf: (teamId: string) => TeamBus | undefined;
  log: Logger;
}

/**
 * Ends the turn of a run that is over, and no other turn. One that has not reached its agent is not sent any more, and
 * answered here, if the agent cannot be told.
 */
export async function interruptRun(deps: InterruptionDeps, run: Run, reason: string): Promise<void> {
  const { team_id } = run.trigger;
  const message = run.message_id === null ? undefined : deps.db.messages.get(run.message_id);
  if (!message || message.delivery === 'answered') return;
  const agent = addresseeOf(message, deps.db.agents.listByTeam(team_id));
  if (!agent) return;
  try {
    await interruptAgent(deps.busOf(team_id), agent, { reason, messageId: message.message_id });
  } catch (error) {
    deps.log.warn({ team_id, run: run.id, error: messageOf(error) }, 'turn of a run not interrupted');
    if (deps.db.messages.get(message.message_id)?.delivery === 'pending') {
      deps.messages.storeFailure(message, agent.slug, 'TURN_TIMEOUT', reason);
    }
  }
}
