import type { Envelope, SubjectKind } from '@agentcrew/protocol';
import type { JsMsg } from '@nats-io/jetstream';
import type { Delivery } from './bus.ts';
import { answerTimeoutMs, type Connection } from './connection.ts';
import { natsUnavailable } from './errors.ts';

/** A message of the stream as its handler sees it. */
export function deliveryOf(
  connection: Connection,
  message: JsMsg,
  content: { envelope: Envelope; kind: SubjectKind; agent: string },
  onProblem: (problem: string) => void,
): Delivery {
  const ackSubject = ackSubjectOf(message);
  return {
    ...content,
    attempt: message.info.deliveryCount,
    ackSubject,
    ack: () => confirmedAck(connection, ackSubject, message.info.stream),
    nak: (delayMs) => message.nak(delayMs),
    term: (reason) => {
      onProblem(`a message on ${message.subject} was given up: ${reason}`);
      // nats-server 2.9 does not know a reason: it would ignore the whole request.
      message.term();
    },
    working: () => message.working(),
  };
}

/** Where a message is settled: every one has such a subject; the client keeps it, but leaves it out of its type. */
export function ackSubjectOf(message: JsMsg): string {
  return (message as JsMsg & { readonly reply: string }).reply;
}

/** The client's own `ackAck` cannot be repeated after a failure; this can. */
async function confirmedAck(connection: Connection, ackSubject: string, stream: string): Promise<void> {
  try {
    await connection.request(() => connection.nc.request(ackSubject, '+ACK', { timeout: answerTimeoutMs }));
  } catch (error) {
    throw natsUnavailable(connection.address, `a message of ${stream} could not be acknowledged`, error);
  }
}
