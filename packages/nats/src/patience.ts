import { setTimeout as sleep } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import { isNoResponders } from './errors.ts';

const patienceMs = 5_000;
const pauseMs = 100;
/** Of JetStream's errors, what they call the state of the server and not a mistake of the request. */
const unavailable = 503;

/**
 * Repeats a request that JetStream cannot do just now: a server that starts, or reloads its accounts for another team,
 * has no JetStream, or none for this account, or not yet the account's folder. Rejects with the last error after 5 s or
 * when the signal aborts, with any other error at once.
 */
export async function whileJetStreamStarts<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (const deadline = performance.now() + patienceMs; ; ) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || performance.now() > deadline || !mayHeal(error)) throw error;
      await sleep(pauseMs, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}

function mayHeal(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status === unavailable;
  return isNoResponders(error) || (error instanceof Error && isNoResponders(error.cause));
}
