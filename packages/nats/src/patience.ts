import { setTimeout as sleep } from 'node:timers/promises';
import { isNoResponders } from './errors.ts';

const patienceMs = 5_000;
const pauseMs = 100;

/**
 * Repeats a request that nobody answers: a server that starts, or reloads its accounts for another team, has no
 * JetStream for a moment. Rejects with the last error after 5 s, with any other error at once.
 */
export async function whileJetStreamStarts<T>(work: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + patienceMs; ; ) {
    try {
      return await work();
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      if (performance.now() > deadline || !(isNoResponders(error) || isNoResponders(cause))) throw error;
    }
    await sleep(pauseMs);
  }
}
