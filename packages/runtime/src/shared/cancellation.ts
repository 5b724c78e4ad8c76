import { CrewError } from '@agentcrew/protocol';

/** Why an operation was given up: the signal's own CrewError, else DEPLOY_TIMEOUT or DEPLOY_CANCELLED. */
export function cancelled(signal: AbortSignal, what: string): CrewError {
  if (signal.reason instanceof CrewError) return signal.reason;
  const timedOut = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
  return timedOut
    ? new CrewError('DEPLOY_TIMEOUT', `${what} took too long`)
    : new CrewError('DEPLOY_CANCELLED', `${what} was cancelled`);
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
    return await Promise.race([task(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Signals that can be aborted from outside by key, in addition to the one each was made from. */
export function cancellations() {
  const controllers = new Map<string, Set<AbortController>>();
  return {
    /** Aborts all tasks of the key that have not ended. */
    cancel(key: string, reason: CrewError): void {
      for (const controller of controllers.get(key) ?? []) controller.abort(reason);
    },

    async run<T>(key: string, signal: AbortSignal, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
      const controller = new AbortController();
      const running = controllers.get(key) ?? new Set();
      controllers.set(key, running.add(controller));
      try {
        return await task(AbortSignal.any([signal, controller.signal]));
      } finally {
        running.delete(controller);
        if (running.size === 0) controllers.delete(key);
      }
    },
  };
}
