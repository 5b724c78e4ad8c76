import { CrewError, messageOf } from '@agentcrew/protocol';
import { RequestError, TimeoutError } from '@nats-io/transport-node';

/** The error of everything that could not be done at the server. `address` is `host:port`, never the URL: that may hold a password. */
export function natsUnavailable(address: string, what: string, cause?: unknown): CrewError {
  if (cause instanceof CrewError) return cause;
  const reason = cause === undefined ? '' : `: ${reasonOf(cause)}`;
  return new CrewError('NATS_UNAVAILABLE', `NATS at ${address}: ${what}${reason}`, { cause });
}

/** Nobody subscribes to the subject of a request. */
export function isNoResponders(error: unknown): boolean {
  return error instanceof RequestError && error.isNoResponders();
}

/** A request got no answer in its time. */
export function isTimeout(error: unknown): boolean {
  return error instanceof TimeoutError;
}

function reasonOf(error: unknown): string {
  return isTimeout(error) ? 'no answer in time' : messageOf(error);
}
