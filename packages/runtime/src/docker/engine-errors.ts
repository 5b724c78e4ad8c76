import { CrewError, messageOf } from '@agentcrew/protocol';
import type Docker from 'dockerode';
import { z } from 'zod';

const httpErrorSchema = z.object({ statusCode: z.int(), json: z.unknown() });
const answerSchema = z.object({ message: z.string() });
const placeSchema = z.object({ host: z.string().optional(), port: z.unknown(), socketPath: z.unknown() });

/** Codes of a connection that does not come about, or breaks. */
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EPIPE',
  'EAI_AGAIN',
]);

/** Where the client looks for its engine, as in DOCKER_HOST. */
export function engineAddress(docker: Docker): string {
  const { host, port, socketPath } = placeSchema.parse(docker.modem);
  if (host) return `tcp://${host}:${port}`;
  return `unix://${typeof socketPath === 'string' ? socketPath : '/var/run/docker.sock'}`;
}

/** The engine's HTTP status for a failed call; `undefined` when it gave no answer. */
export function statusOf(error: unknown): number | undefined {
  return httpErrorSchema.safeParse(error).data?.statusCode;
}

/** The answer, or `undefined` when the engine does not know what was asked for. */
export async function ifPresent<T>(call: Promise<T>): Promise<T | undefined> {
  return await allowing(call, 404);
}

/** Waits for a change that may have been made already: these statuses say so. */
export async function allowing<T>(call: Promise<T>, ...statuses: number[]): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}

/** Whatever the engine or the way to it says crosses the package's border as a CrewError. */
export async function dockerErrors<T>(address: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw crewError(address, error);
  }
}

function crewError(address: string, error: unknown): CrewError {
  if (error instanceof CrewError) return error;
  const answer = httpErrorSchema.safeParse(error).data;
  if (answer) {
    const text = answerSchema.safeParse(answer.json).data?.message ?? messageOf(error);
    return new CrewError('RUNTIME_FAILED', `Docker: ${text.trim()}`, { cause: error });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'EACCES' || code === 'EPERM') {
    const text = `Docker at ${address} may not be used by this user: add the user to the group docker`;
    return new CrewError('RUNTIME_FAILED', text, { cause: error });
  }
  if (unreachable.has(code)) {
    const text = `Docker does not answer at ${address} (${code}): start it or set DOCKER_HOST`;
    return new CrewError('RUNTIME_FAILED', text, { cause: error });
  }
  return new CrewError('RUNTIME_FAILED', messageOf(error), { cause: error });
}
