import {
  type ControlRequest,
  type ControlResponse,
  CrewError,
  controlRequestSchema,
  controlResponseSchema,
  messageOf,
  subjectFor,
} from '@agentcrew/protocol';
import type { Msg } from '@nats-io/transport-node';
import type { Connection } from './connection.ts';
import { isNoResponders, isTimeout, natsUnavailable } from './errors.ts';

/** Asks a running agent. Throws AGENT_NOT_READY when it does not listen, AGENT_UNRESPONSIVE when it does not answer in time. */
export async function request(
  connection: Connection,
  team: string,
  agent: string,
  body: ControlRequest,
  timeoutMs: number,
): Promise<ControlResponse> {
  const subject = subjectFor(team, 'control', agent);
  const answer = await connection
    .request(() => connection.nc.request(subject, JSON.stringify(body), { timeout: timeoutMs }))
    .catch((error: unknown) => {
      throw notReady(agent, timeoutMs, error) ?? natsUnavailable(connection.address, 'control request failed', error);
    });
  const response = parse(answer, controlResponseSchema);
  if (response === undefined) throw new CrewError('AGENT_FAILED', `Agent ${agent} sent an unreadable answer`);
  return response;
}

/** Answers the requests to an agent. A request that cannot be read, or a handler that throws, is answered not `ok`. */
export function respond(
  connection: Connection,
  team: string,
  agent: string,
  handle: (request: ControlRequest) => Promise<ControlResponse>,
): Disposable {
  const subscription = connection.nc.subscribe(subjectFor(team, 'control', agent), {
    callback: (error, message) => {
      if (!error) void answer(message, handle);
    },
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}

async function answer(message: Msg, handle: (request: ControlRequest) => Promise<ControlResponse>): Promise<void> {
  const response = await responseTo(message, handle);
  try {
    message.respond(JSON.stringify(response));
  } catch {
    // The connection was closed meanwhile; whoever asked sees that nobody answers.
  }
}

async function responseTo(
  message: Msg,
  handle: (request: ControlRequest) => Promise<ControlResponse>,
): Promise<ControlResponse> {
  const body = parse(message, controlRequestSchema);
  if (body === undefined) return { ok: false, error: 'not a control request' };
  try {
    return await handle(body);
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

function notReady(agent: string, timeoutMs: number, error: unknown): CrewError | undefined {
  if (isNoResponders(error)) return new CrewError('AGENT_NOT_READY', `Agent ${agent} is not running`);
  if (!isTimeout(error)) return undefined;
  return new CrewError('AGENT_UNRESPONSIVE', `Agent ${agent} did not answer within ${timeoutMs} ms`);
}

function parse<T>(
  message: Msg,
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } },
): T | undefined {
  try {
    const result = schema.safeParse(message.json());
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
