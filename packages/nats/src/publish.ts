import { CrewError, type Envelope, type SubjectKind, streamName, subjectFor } from '@agentcrew/protocol';
import { answerTimeoutMs, type Connection } from './connection.ts';
import { isNoResponders, natsUnavailable } from './errors.ts';

/**
 * Stores the envelope in the team's stream, once per `message_id`, and resolves with its number there. Throws PAYLOAD_TOO_LARGE before anything is sent, and
 * NATS_UNAVAILABLE at once while disconnected, else after 5 s at most: then it may have been stored or not.
 */
export async function publish(
  connection: Connection,
  team: string,
  kind: SubjectKind,
  agent: string,
  envelope: Envelope,
): Promise<number> {
  const data = new TextEncoder().encode(JSON.stringify(envelope));
  refuseOversize(data.length, connection.maxPayload);
  const options = { msgID: envelope.message_id, timeout: answerTimeoutMs };
  try {
    const ack = await connection.request(() => connection.js.publish(subjectFor(team, kind, agent), data, options));
    return ack.seq;
  } catch (error) {
    throw natsUnavailable(connection.address, 'publishing failed', missingStream(team, error) ?? error);
  }
}

function refuseOversize(bytes: number, limit: number): void {
  if (bytes <= limit) return;
  throw new CrewError('PAYLOAD_TOO_LARGE', `The message has ${bytes} bytes, the message bus takes ${limit}`, {
    details: { bytes, limit },
  });
}

/** The client calls it "JetStream is not enabled" when nobody listens on the subject. */
function missingStream(team: string, error: unknown): Error | undefined {
  if (!(error instanceof Error) || !isNoResponders(error.cause)) return undefined;
  return new Error(`stream ${streamName(team)} is missing`, { cause: error });
}
