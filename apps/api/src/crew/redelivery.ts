import type { AgentRow, Database, MessageRow, TeamRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { agentConsumer, relayConsumer } from '@agentcrew/protocol';
import { addresseeOf } from './addressee.ts';

/** A message must have been on the bus for so long before it can count as lost. */
const graceMs = 15_000;

/**
 * Finds messages that were sent and are nowhere any more: the consumer of their agent has nothing before it, the relay has
 * stored all there is, and still they are not answered. That happens when a stream lost its data or its oldest
 * messages. They become `pending` again; an agent that did answer one repeats its stored answer instead of working
 * twice.
 * @returns how many.
 */
export async function requeueLost(db: Database, team: TeamRow, bus: TeamBus, now: Date): Promise<number> {
  const lost = db.messages
    .unanswered(team.id)
    .filter(({ delivery, sent_at }) => delivery === 'sent' && sent_at && now.getTime() - sent_at.getTime() > graceMs);
  if (lost.length === 0) return 0;
  // In this order: an agent settles a message after its answer is in the stream, so the relay is asked second.
  const idle = await withIdleAgents(bus, lost, db.agents.listByTeam(team.id));
  if (idle.length === 0 || (await busy(bus, relayConsumer))) return 0;
  const open = new Set(db.messages.unanswered(team.id).map(({ seq }) => seq));
  const seqs = idle.map(({ seq }) => seq).filter((seq) => open.has(seq));
  db.messages.requeue(seqs);
  return seqs.length;
}

/** Those of the messages whose agents have nothing before them. What is for nobody any more is the outbox's to answer. */
async function withIdleAgents(bus: TeamBus, rows: MessageRow[], agents: AgentRow[]): Promise<MessageRow[]> {
  const slugs = new Set(rows.map((row) => addresseeOf(row, agents)?.slug));
  const working = new Set<string>();
  for (const slug of slugs) if (slug !== undefined && (await busy(bus, agentConsumer(slug)))) working.add(slug);
  return rows.filter((row) => !working.has(addresseeOf(row, agents)?.slug ?? ''));
}

async function busy(bus: TeamBus, durable: string): Promise<boolean> {
  const lag = await bus.consumerLag(durable);
  return lag === undefined || lag.pending > 0 || lag.unsettled > 0;
}
