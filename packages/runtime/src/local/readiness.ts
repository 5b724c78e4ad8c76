import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@agentcrew/protocol';
import { z } from 'zod';
import { readJsonFile } from './private-files.ts';

const healthSchema = z.object({ port: z.int().min(1).max(65_535), pid: z.int().positive() });

const pollMs = 50;
const answerTimeoutMs = 5_000;
const maxAnswerLength = 300;

/** `ready`, or what the sidecar says it waits for. */
export type Readiness = { ready: true } | { ready: false; reason: string };

/** Asks a sidecar once whether it is ready; `pid` guards against the file and the port of an earlier process. */
export async function checkReady(healthFile: string, pid: number, signal: AbortSignal): Promise<Readiness> {
  const health = await readJsonFile(healthFile, healthSchema);
  if (health?.pid !== pid) return { ready: false, reason: 'it has not opened its health endpoint' };
  try {
    const response = await fetch(`http://127.0.0.1:${health.port}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]),
    });
    const body = await response.text();
    return response.status === 200 ? { ready: true } : { ready: false, reason: missingIn(body) };
  } catch (error) {
    return { ready: false, reason: `its health endpoint does not answer (${messageOf(error)})` };
  }
}

const checksSchema = z.object({ checks: z.record(z.string(), z.boolean()) });

/** The checks that fail, as a sidecar names them. */
function missingIn(body: string): string {
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
