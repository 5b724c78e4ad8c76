import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing } from './cluster-errors.ts';

/** Between two questions: short at first, and then one that does no harm to the API server. */
const pauses = { shortestMs: 100, longestMs: 500, factor: 1.3 };
/** An API server that starts again is away for less. */
const silenceMs = 60_000;

/**
 * Asks until there is an answer. An API server that is away for a while is asked again.
 * @returns `undefined` when the time is over, or the signal has aborted
 * @throws what `ask` throws, unless it may pass soon
 */
export async function until<T>(
  ask: () => Promise<T | undefined>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const deadline = Date.now() + timeoutMs;
  let silentAt = Date.now() + silenceMs;
  for (let pauseMs = pauses.shortestMs; ; pauseMs = Math.min(pauseMs * pauses.factor, pauses.longestMs)) {
    try {
      const answer = await ask();
      if (answer !== undefined || signal?.aborted || Date.now() >= deadline) return answer;
      silentAt = Date.now() + silenceMs;
    } catch (error) {
      if (signal?.aborted) return undefined;
      if (!isPassing(error) || Date.now() >= Math.min(silentAt, deadline)) throw error;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** `until`, for something that becomes true. */
export async function untilTrue(
  ask: () => Promise<boolean>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await until(async () => (await ask()) || undefined, timeoutMs, signal)) ?? false;
}
