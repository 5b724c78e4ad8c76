import { setTimeout as sleep } from 'node:timers/promises';
import { type Envelope, parseEnvelope, streamName, subjectFor } from '@agentcrew/protocol';
import { AckPolicy, type Consumer, type ConsumerConfig, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Connection } from './connection.ts';
import { pull } from './consume.ts';

/** Handed out at once: an agent says little besides the one answer. */
const batch = 50;
/** The server forgets a consumer that nobody asks any more, in milliseconds. */
const forgottenAfterMs = 60_000;
const pauseMs = 200;

export interface Awaited {
  agent: string;
  messageId: string;
  /** Number in the stream; what was said before it cannot be the answer. */
  after: number;
}

/**
 * See `TeamBus.awaitReply`. Every try has a consumer of its own that begins at the same place: what was seen already
 * comes again, which does no harm, and nothing has to be remembered over a reconnect.
 */
export async function awaitReply(
  context: { connection: Connection; team: string },
  awaited: Awaited,
  signal: AbortSignal,
): Promise<Envelope> {
  const { connection } = context;
  const stop = AbortSignal.any([signal, connection.ended]);
  const found = new AbortController();
  const done = AbortSignal.any([stop, found.signal]);
  let reply: Envelope | undefined;
  const look = (message: JsMsg) => {
    const envelope = parseEnvelope(message.data);
    if (envelope?.ref_message_id !== awaited.messageId || envelope.from !== awaited.agent) return;
    reply ??= envelope;
    found.abort();
  };
  while (!done.aborted) {
    await connection.untilConnected(stop);
    // A failed try is followed by another one, for as long as somebody waits.
    await listen(context, awaited, look, done).catch(() => {});
    await sleep(pauseMs, undefined, { signal: done }).catch(() => {});
  }
  if (reply) return reply;
  throw stop.reason;
}

async function listen(
  context: { connection: Connection; team: string },
  awaited: Awaited,
  look: (message: JsMsg) => void,
  done: AbortSignal,
): Promise<void> {
  const consumer = await openConsumer(context, awaited);
  try {
    await pull(context.connection, consumer, batch, look, done);
  } finally {
    if (context.connection.connected) void consumer.delete().catch(() => {});
  }
}

async function openConsumer(
  { connection, team }: { connection: Connection; team: string },
  { agent, after }: Awaited,
): Promise<Consumer> {
  const { consumers } = await connection.manager();
  const config: Partial<ConsumerConfig> = {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: after,
    filter_subject: subjectFor(team, 'reply', agent),
    ack_policy: AckPolicy.None,
    inactive_threshold: nanos(forgottenAfterMs),
    mem_storage: true,
  };
  const info = await connection.request(() => consumers.add(streamName(team), config));
  return connection.js.consumers.getConsumerFromInfo(info);
}
