import type { Database, TeamRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { agentConsumer, relayConsumer } from '@agentcrew/protocol';

/** A message must have been on the bus for so long before it can count as lost. */
const graceMs = 15_000;

/**
 * Finds messages that were sent and are nowhere any more: the leader's consumer has nothing before it, the relay has
 * stored all there is, and still they are not answered. That happens when a stream lost its data or its oldest
 * messages. They become `pending` again; an agent that did answer one repeats its stored answer instead of working
 * twice.
 * @returns how many.
 */
export async function requeueLost(db: Database, team: TeamRow, bus: TeamBus, now: Date): Promise<number> {
  const lost = db.messages
    .unanswered(team.id)
    .filter(({ delivery, sent_at }) => delivery === 'sent' && sent_at && now.getTime() - sent_at.getTime() > graceMs);
  const leader = db.agents.listByTeam(team.id).find((agent) => agent.role === 'leader');
  if (lost.length === 0 || !leader) return 0;
  // In this order: an agent settles a message after its answer is in the stream, so the relay is asked second.
  if (await busy(bus, agentConsumer(leader.slug))) return 0;
  if (await busy(bus, relayConsumer)) return 0;
  const open = new Set(db.messages.unanswered(team.id).map(({ seq }) => seq));
  const seqs = lost.map(({ seq }) => seq).filter((seq) => open.has(seq));
  db.messages.requeue(seqs);
  return seqs.length;
}

async function busy(bus: TeamBus, durable: string): Promise<boolean> {
  const lag = await bus.consumerLag(durable);
  return lag === undefined || lag.pending > 0 || lag.unsettled > 0;
}
