import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, or returns early when the signal aborts. Keeps no process alive. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { ref: false, ...(signal && { signal }) }).catch(() => {});
}

/** The milliseconds, or as many as a timer can take: with more it would fire at once. */
export function timerLimited(milliseconds: number): number {
  return Math.min(milliseconds, 2 ** 31 - 1);
}

/** The first pause, doubled for every further try, up to the longest. In milliseconds; `tries` counts from 0. */
export function backOff(tries: number, limits: { firstMs: number; longestMs: number }): number {
  return Math.min(limits.firstMs * 2 ** tries, limits.longestMs);
}
