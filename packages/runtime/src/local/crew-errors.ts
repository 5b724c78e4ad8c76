import { CrewError, messageOf } from '@agentcrew/protocol';
import { cancelled } from './cancellation.ts';
import { storageError } from './private-files.ts';

const storageCodes = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT']);

/** Whatever fails inside crosses the package's border as a CrewError. */
export async function crewErrors<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof CrewError) throw error;
    if (error instanceof Error && 'code' in error && storageCodes.has(String(error.code))) {
      throw storageError('path' in error ? String(error.path) : '', error);
    }
    throw new CrewError('RUNTIME_FAILED', messageOf(error), { cause: error });
  }
}

/**
 * Gives a task up for its caller as soon as the signal aborts. The task itself goes on to its own deadline: half of
 * a change of something that others use too is no place to stop.
 */
export async function untilAborted<T>(signal: AbortSignal, what: string, task: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw cancelled(signal, what);
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(cancelled(signal, what));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([crewErrors(task), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
