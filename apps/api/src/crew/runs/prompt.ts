import type { Database, MessageRow, Run } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import { addressFor } from '../addressee.ts';
import type { MessageLog } from '../message-log.ts';
import type { Outbox } from '../outbox.ts';

export interface PromptDeps {
  db: Database;
  messages: MessageLog;
  outbox: Outbox;
}

/**
 * Sends the run's prompt to the leader of its team, the way of a chat message. The run knows its message from the moment
 * on that there is one. Throws RUN_NOT_FOUND when the run has ended meanwhile, AGENT_NOT_RUNNING.
 */
export function sendPrompt({ db, messages, outbox }: PromptDeps, run: Run): MessageRow {
  const { team_id } = run.trigger;
  const prompt = {
    content: run.prompt_sent,
    ...addressFor(db.agents.listByTeam(team_id)),
    source: run.type === 'schedule' ? ('scheduler' as const) : ('webhook' as const),
    runId: run.id,
  };
  const message = messages.acceptPrompt(team_id, prompt, ({ message_id }) => {
    if (!db.runs.update(run, { message_id })) throw new CrewError('RUN_NOT_FOUND', 'the run has ended');
  });
  outbox.kick(team_id);
  return message;
}

/** The message that the run has sent already. */
export function sentPrompt({ db }: PromptDeps, run: Run): MessageRow | undefined {
  return run.message_id === null ? undefined : db.messages.get(run.message_id);
}
