import { messageOf } from '@agentcrew/protocol';
import { z } from 'zod';
import { notReady, type Readiness } from '../shared/readiness.ts';
import { readJsonFile } from './private-files.ts';

const healthSchema = z.object({ port: z.int().min(1).max(65_535), pid: z.int().positive() });

const answerTimeoutMs = 5_000;

/** Asks a sidecar once whether it is ready; `pid` guards against the file and the port of an earlier process. */
export async function checkReady(healthFile: string, pid: number, signal: AbortSignal): Promise<Readiness> {
  const health = await readJsonFile(healthFile, healthSchema);
  if (health?.pid !== pid) return { ready: false, reason: 'it has not opened its health endpoint' };
  try {
    const response = await fetch(`http://127.0.0.1:${health.port}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]),
    });
    const body = await response.text();
    return response.status === 200 ? { ready: true } : { ready: false, reason: notReady(body) };
  } catch (error) {
    return { ready: false, reason: `its health endpoint does not answer (${messageOf(error)})` };
  }
}
