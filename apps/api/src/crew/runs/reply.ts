import { setTimeout as delay } from 'node:timers/promises';
import type { Database, MessageRow, RunEnd, RunRef } from '@agentcrew/models';
import { replyPayloadSchema } from '@agentcrew/protocol';
import type { Hub } from '../hub.ts';
import { onceStorageAllows } from './storage.ts';

/** How often the database is asked although the hub said nothing: the trigger may have been deleted with its runs. */
const pollMs = 5_000;

export interface ReplyDeps {
  db: Database;
  hub: Hub;
}

/**
 * Waits for the reply to the run's message; one that came while the server was away is found at once.
 * @returns `undefined` when the run has ended otherwise. Throws the signal's reason.
 */
export async function replyTo(
  { db, hub }: ReplyDeps,
  ref: RunRef,
  message: MessageRow,
  signal: AbortSignal,
): Promise<MessageRow | undefined> {
  let heard = Promise.withResolvers<void>();
  using _subscription = hub.subscribe(message.team_id, ({ ref_message_id }) => {
    if (ref_message_id === message.message_id) heard.resolve();
  });
  for (;;) {
    // Anew in every round, as tasks and approvals of the turn name the message too; before the database is asked, so
    // that nothing is missed.
    heard = Promise.withResolvers();
    const reply = await onceStorageAllows(() => db.runs.replyTo(message), signal);
    if (reply) return reply;
    if ((await onceStorageAllows(() => db.runs.get(ref), signal))?.status !== 'running') return undefined;
    await Promise.race([heard.promise, delay(pollMs, undefined, { signal })]);
  }
}

/** How a run ends by the reply to its message. */
export function endBy({ payload }: MessageRow): RunEnd {
  const { status, result = '', error } = replyPayloadSchema.safeParse(payload).data ?? { status: 'failed' as const };
  if (status === 'completed') return { status: 'success', error: '', response_received: result };
  return { status: 'failed', error: error ?? 'The reply cannot be read.', response_received: result };
}
