import { setTimeout as sleep } from 'node:timers/promises';

/** Between two questions: short at first, and then one that does no harm to the API server. */
const pauses = { shortestMs: 100, longestMs: 500, factor: 1.3 };

/**
 * Asks until there is an answer.
 * @returns `undefined` when the time is over, or the signal has aborted
 */
export async function until<T>(
  ask: () => Promise<T | undefined>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (let pauseMs = pauses.shortestMs; ; pauseMs = Math.min(pauseMs * pauses.factor, pauses.longestMs)) {
    const answer = await ask();
    if (answer !== undefined || signal?.aborted || Date.now() >= deadline) return answer;
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
