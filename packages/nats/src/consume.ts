import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, streamName } from '@agentcrew/protocol';
import {
  AckPolicy,
  type Consumer,
  type ConsumerConfig,
  type ConsumerNotification,
  DeliverPolicy,
  JetStreamApiError,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { ConsumeOptions, Delivery } from './bus.ts';
import type { Connection } from './connection.ts';
import { Line } from './line.ts';
import { whileJetStreamStarts } from './patience.ts';

const defaultAckWaitMs = 10_000;
/** A standing request for messages is renewed after this time, in milliseconds. */
const pullExpiresMs = 30_000;
/** While none come, the server says that often that it is there; silence of twice that means that it forgot us. */
const heartbeatMs = 5_000;
/** Pauses between two tries, in milliseconds; a pull that held this long starts again with the shortest. */
const pause = { shortest: 50, longest: 2_000, forgottenAfter: 5_000 };
const repeatProblemMs = 60_000;
/** JetStream's error code for a consumer of that name with another configuration. */
const consumerExists = 10_148;

/** The client would ask again at once, or wait for half a minute, where a new start is right. */
const troubles = new Set<ConsumerNotification['type']>([
  'heartbeats_missed',
  'no_responders',
  'exceeded_limits',
  'consumer_deleted',
  'consumer_not_found',
  'stream_not_found',
]);

interface Context {
  connection: Connection;
  team: string;
  onProblem: (problem: string) => void;
}

/** See `TeamBus.consume`. */
export async function consume(
  context: Context,
  options: ConsumeOptions,
  handle: (delivery: Delivery) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { connection } = context;
  const stop = AbortSignal.any([signal, connection.ended]);
  const onProblem = unlessRepeated((problem) => context.onProblem(`consumer ${options.durable}: ${problem}`));
  const { ackWaitMs = defaultAckWaitMs } = options;
  const line = new Line({ connection, handle, stop, ackWaitMs, onProblem });
  const take = (message: JsMsg) => line.add(message);
  let wait = pause.shortest;
  while (!stop.aborted) {
    await connection.untilConnected(stop);
    const started = performance.now();
    try {
      await pull(connection, await ensureConsumer(context, options, stop), options.maxAckPending, take, stop);
    } catch (error) {
      if (connection.connected && !stop.aborted) onProblem(messageOf(error));
    }
    wait = performance.now() - started > pause.forgottenAfter ? pause.shortest : Math.min(wait * 2, pause.longest);
    await sleep(wait, undefined, { signal: stop }).catch(() => {});
  }
  await line.close();
}

/** Keeps a standing request at the server until the signal aborts or the connection breaks; rejects when something is wrong. */
export async function pull(
  connection: Connection,
  consumer: Consumer,
  maxMessages: number,
  callback: (message: JsMsg) => void,
  signal: AbortSignal,
): Promise<void> {
  // With a callback the next request is at the server while a message is handled; an iterator would ask after it.
  const messages = await consumer.consume({
    max_messages: maxMessages,
    expires: pullExpiresMs,
    idle_heartbeat: heartbeatMs,
    abort_on_missing_resource: true,
    callback,
  });
  const notifications = messages.status();
  const stop = () => messages.stop();
  const watch = connection.onChange(stop);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted || !connection.connected) stop();
  let trouble: string | undefined;
  for await (const { type } of notifications) {
    if (!troubles.has(type)) continue;
    trouble ??= type.replaceAll('_', ' ');
    stop();
  }
  signal.removeEventListener('abort', stop);
  watch[Symbol.dispose]();
  if (trouble !== undefined) throw new Error(`waiting for messages ended: ${trouble}`);
}

/** Creates the durable consumer, or brings it up to date. Rejects when there is no stream. */
async function ensureConsumer(
  { connection, team }: Context,
  options: ConsumeOptions,
  signal: AbortSignal,
): Promise<Consumer> {
  const { consumers } = await connection.manager();
  const config: Partial<ConsumerConfig> = {
    durable_name: options.durable,
    deliver_policy: DeliverPolicy.All,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(options.ackWaitMs ?? defaultAckWaitMs),
    max_ack_pending: options.maxAckPending,
    max_deliver: -1,
    ...(options.filterSubject !== undefined && { filter_subject: options.filterSubject }),
  };
  const set = () =>
    consumers.add(streamName(team), config).catch((error: unknown) => {
      if (!(error instanceof JetStreamApiError) || error.code !== consumerExists) throw error;
      return consumers.update(streamName(team), options.durable, config);
    });
  const info = await connection.request(() => whileJetStreamStarts(set, signal));
  return connection.js.consumers.getConsumerFromInfo(info);
}

/** The same problem over and over is told once a minute. */
function unlessRepeated(report: (problem: string) => void): (problem: string) => void {
  let last = { problem: '', at: 0 };
  return (problem) => {
    const now = performance.now();
    if (problem === last.problem && now - last.at < repeatProblemMs) return;
    last = { problem, at: now };
    report(problem);
  };
}
