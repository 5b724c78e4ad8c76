import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Default 30 000. */
  timeoutMs?: number;
  /** Pause between two checks. Default 20. */
  intervalMs?: number;
}

/**
 * Checks again and again until `check` gives something other than `undefined` or `false`, and returns that. At the
 * deadline it rejects with an error that names `what` was waited for. What `check` throws counts as "not yet" and is
 * the cause of that error.
 */
export async function waitFor<T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  options: WaitOptions = {},
): Promise<T> {
  const { timeoutMs = 30_000, intervalMs = 20 } = options;
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause });
    await sleep(intervalMs);
  }
}
