import { randomUUID } from 'node:crypto';
import type { Database, MessageRow, NewSchedule, NewWebhook, Run, RunRef } from '@agentcrew/models';
import { replyIdFor } from '@agentcrew/protocol';
import { waitFor } from '@agentcrew/testkit';
import type { FakeBus } from './fake-bus.ts';
import { envelope } from './rows.ts';

/** A schedule of the team, stored without asking the scheduler. */
export function storedSchedule(db: Database, teamId: string, values: Partial<NewSchedule> = {}) {
  const what = { name: 'nightly', prompt: 'What is new?', cron_expression: '* * * * *' };
  return db.schedules.insert({ team_id: teamId, ...what, ...values });
}

/** A run of the team's schedule that is due now. */
export function scheduleRun(db: Database, teamId: string, prompt = 'What is new?'): RunRef {
  const { id } = storedSchedule(db, teamId, { prompt });
  const run = db.schedules.insertRun({ schedule_id: id, due_at: new Date(), prompt_sent: prompt });
  if (!run) throw new Error('the due time was taken');
  return { type: 'schedule', id: run.id };
}

/** A run of a webhook of the team. */
export function webhookRun(db: Database, teamId: string, prompt: string, values: Partial<NewWebhook> = {}): RunRef {
  const what = { name: 'hook', prompt_template: prompt, token_hash: randomUUID(), secret_prefix: 'whk_...' };
  const { id } = db.webhooks.insert({ team_id: teamId, ...what, ...values });
  return { type: 'webhook', id: db.webhooks.insertRun({ webhook_id: id, prompt_sent: prompt }).id };
}

/** The run as it is now. */
export function stored(db: Database, ref: RunRef): Run {
  const run = db.runs.get(ref);
  if (!run) throw new Error('the run is gone');
  return run;
}

/** The message that the run has sent, once the bus has it. */
export function promptOf(db: Database, ref: RunRef, bus: FakeBus): Promise<MessageRow> {
  return waitFor('the prompt to be on the bus', () => {
    const { message_id } = stored(db, ref);
    const published = bus.published.some(({ envelope: sent }) => sent.message_id === message_id);
    return published && message_id !== null && db.messages.get(message_id);
  });
}

/** What the leader answers to a message. */
export function replyTo(message: MessageRow, payload: Record<string, unknown>) {
  return envelope({
    message_id: replyIdFor(message.message_id),
    type: 'leader_response',
    ref_message_id: message.message_id,
    payload: { status: 'completed', ...payload },
  });
}

export function untilEnded(db: Database, ref: RunRef): Promise<Run> {
  return waitFor('the run to end', () => {
    const run = stored(db, ref);
    return run.status !== 'running' && run;
  });
}
