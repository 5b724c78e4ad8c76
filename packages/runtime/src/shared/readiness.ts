import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** Between two questions; where many agents start at once, asking all of them all the time would slow them down. */
const pauses = { shortestMs: 50, longestMs: 250, factor: 1.3 };
const maxAnswerLength = 300;
const maxReasonLength = 200;

/** `ready`, or what the sidecar says it waits for. */
export type Readiness = { ready: true } | { ready: false; reason: string };

const answerSchema = z.object({
  checks: z.record(z.string(), z.boolean()),
  reasons: z.record(z.string(), z.string()).default({}),
});

/** What a sidecar still waits for, from its answer to `/readyz`. */
export function notReady(body: string): string {
  try {
    const { checks, reasons } = answerSchema.parse(JSON.parse(body));
    const missing = Object.keys(checks).filter((name) => !checks[name]);
    const shown = missing.map((name) =>
      reasons[name] ? `${name} (${reasons[name].slice(0, maxReasonLength)})` : name,
    );
    return `it still waits for ${shown.join(', ')}`;
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
  for (let pauseMs = pauses.shortestMs; ; pauseMs = Math.min(pauseMs * pauses.factor, pauses.longestMs)) {
    if (await dead()) return { ready: false, dead: true };
    const answer = await ask();
    if (answer.ready || signal.aborted || Date.now() >= deadline) return answer;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
