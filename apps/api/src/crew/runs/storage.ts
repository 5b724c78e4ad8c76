import { setTimeout as delay } from 'node:timers/promises';
import { CrewError } from '@agentcrew/protocol';

const retryMs = 500;

/** Does something with the database, again and again while it cannot be used (disk full, locked), until the signal aborts. */
export async function onceStorageAllows<T>(work: () => T, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof CrewError && error.code === 'STORAGE_UNAVAILABLE')) throw error;
      await delay(retryMs, undefined, { signal });
    }
  }
}
