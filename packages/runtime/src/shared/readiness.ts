import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

const pollMs = 50;
const maxAnswerLength = 300;

/** `ready`, or what the sidecar says it waits for. */
export type Readiness = { ready: true } | { ready: false; reason: string };

const checksSchema = z.object({ checks: z.record(z.string(), z.boolean()) });

/** What a sidecar still waits for, from its answer to `/readyz`. */
export function notReady(body: string): string {
  try {
    const { checks } = checksSchema.parse(JSON.parse(body));
    const missing = Object.keys(checks).filter((name) => !checks[name]);
    return `it still waits for ${missing.join(', ')}`;
  } catch {
    return body.slice(0, maxAnswerLength);
  }
}

/**
 * Asks until the sidecar is ready, its process is gone (`dead` says so), `timeoutMs` are over or the signal aborts.
 * Resolves with the last answer.
 */
export async function waitUntilReady(
  ask: () => Promise<Readiness>,
  dead: () => Promise<boolean>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Readiness | { ready: false; dead: true }> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await dead()) return { ready: false, dead: true };
    const answer = await ask();
    if (answer.ready || signal.aborted || Date.now() >= deadline) return answer;
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}
