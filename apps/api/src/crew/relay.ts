import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@agentcrew/models';
import type { Delivery, TeamBus } from '@agentcrew/nats';
import { messageOf, relayConsumer, statusPayloadSchema } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import { approvalProblem } from './approval-record.ts';
import type { Briefings } from './briefings.ts';
import type { Budgets } from './budgets.ts';
import type { MessageLog } from './message-log.ts';

export interface RelayDeps {
  db: Database;
  messages: MessageLog;
  budgets: Budgets;
  briefings: Briefings;
  log: Logger;
}

const firstRetryMs = 250;
const longestRetryMs = 1_000;
/** What a killed server had not settled blocks the rest for so long; storing a message takes milliseconds. */
const ackWaitMs = 3_000;

/**
 * Stores everything that a team's agents say, each message once and in the order of the stream, until the signal
 * aborts. What cannot be stored (disk full, database locked) is tried again and not acknowledged meanwhile.
 */
export async function runRelay(deps: RelayDeps, teamId: string, bus: TeamBus, signal: AbortSignal): Promise<void> {
  // One at a time: only so the order of the stream survives a kill of the server.
  const options = { durable: relayConsumer, maxAckPending: 1, ackWaitMs };
  await bus.consume(options, (delivery) => store(deps, teamId, delivery, signal), signal);
}

async function store(deps: RelayDeps, teamId: string, delivery: Delivery, signal: AbortSignal): Promise<void> {
  const { envelope, agent: slug } = delivery;
  if (isToBeStored(delivery)) {
    if (envelope.from !== slug && delivery.kind !== 'agent') {
      delivery.term(`${envelope.from} may not speak as ${slug}`);
      return;
    }
    const problem = approvalProblem(envelope, delivery.kind);
    if (problem !== undefined) {
      delivery.term(problem);
      return;
    }
    await untilStored(deps, delivery, signal, () => {
      const agent = deps.db.agents.listByTeam(teamId).find((known) => known.slug === envelope.from);
      deps.messages.storeEnvelope(teamId, envelope, agent);
    });
    if (delivery.kind === 'reply') deps.budgets.changed(teamId);
  } else if (envelope.type === 'status_update' && envelope.from === slug) {
    const { spent, activity } = statusPayloadSchema.safeParse(envelope.payload).data ?? {};
    if (spent) deps.budgets.spending(teamId, slug, spent);
    // Its spec may be of an earlier deploy: a pod is started again without the server.
    if (activity === 'starting') void deps.briefings.tell(teamId, slug);
  }
  await delivery.ack();
}

/** A chat message is in the log already: it was stored before it was sent. What an agent is doing now is no history. */
function isToBeStored({ envelope }: Delivery): boolean {
  return envelope.type !== 'status_update' && envelope.type !== 'user_message';
}

async function untilStored(deps: RelayDeps, delivery: Delivery, signal: AbortSignal, work: () => void): Promise<void> {
  for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
    try {
      work();
      return;
    } catch (error) {
      signal.throwIfAborted();
      deps.log.error(
        { message_id: delivery.envelope.message_id, error: messageOf(error) },
        'message not stored, will retry',
      );
      delivery.working();
      await delay(waitMs, undefined, { signal });
    }
  }
}
