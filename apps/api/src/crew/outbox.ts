import type { AgentRow, MessageRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { CrewError, type Envelope, messageOf } from '@agentcrew/protocol';
import { addresseeOf } from './addressee.ts';
import { type TeamWork, type TeamWorkDeps, teamWork } from './team-work.ts';

/** Publishes accepted messages to the bus, oldest first, until JetStream has them. */
export type Outbox = TeamWork;

const batch = 50;

/**
 * A row stays `pending` until JetStream has stored it; a second copy of one that had been stored is dropped there by
 * its message id. What could not be sent waits for the next kick: a new message, a reconnect or the reconciler's tick.
 */
export function createOutbox(deps: TeamWorkDeps): Outbox {
  return teamWork((teamId) =>
    sendPending(deps, teamId).catch((error: unknown) => {
      deps.log.warn({ team_id: teamId, error: messageOf(error) }, 'messages wait for the bus');
    }),
  );
}

async function sendPending(deps: TeamWorkDeps, teamId: string): Promise<void> {
  for (;;) {
    const bus = deps.busOf(teamId);
    if (!bus?.connected) return;
    const rows = deps.db.messages.pending(teamId, batch);
    if (rows.length === 0) return;
    const agents = deps.db.agents.listByTeam(teamId);
    for (const row of rows) await send(deps, bus, addresseeOf(row, agents), row);
  }
}

async function send(deps: TeamWorkDeps, bus: TeamBus, to: AgentRow | undefined, row: MessageRow): Promise<void> {
  if (row.cancel_reason !== null) {
    deps.messages.storeFailure(row, to?.slug ?? row.to_agent, 'TURN_TIMEOUT', row.cancel_reason);
    return;
  }
  if (!to) {
    const error = `The agent ${row.to_agent} is not in the team any more. Send the message to another one.`;
    deps.messages.storeFailure(row, row.to_agent, 'AGENT_NOT_FOUND', error);
    return;
  }
  try {
    await bus.publish('agent', to.slug, envelopeOf(row, to.slug));
    deps.db.messages.markSent(row.seq, new Date());
  } catch (error) {
    // Waiting would not make it smaller: it is answered, so that the ones behind it can go.
    if (!(error instanceof CrewError && error.code === 'PAYLOAD_TOO_LARGE')) throw error;
    deps.messages.storeFailure(row, to.slug, error.code, error.message);
  }
}

function envelopeOf(row: MessageRow, to: string): Envelope {
  return {
    message_id: row.message_id,
    from: row.from_agent,
    to,
    type: row.message_type,
    payload: row.payload,
    timestamp: row.created_at.toISOString(),
  };
}
