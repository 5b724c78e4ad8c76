import { CrewError } from '@agentcrew/protocol';

/** Why an operation was given up: the signal's own CrewError, else DEPLOY_TIMEOUT or DEPLOY_CANCELLED. */
export function cancelled(signal: AbortSignal, what: string): CrewError {
  if (signal.reason instanceof CrewError) return signal.reason;
  const timedOut = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
  return timedOut
    ? new CrewError('DEPLOY_TIMEOUT', `${what} took too long`)
    : new CrewError('DEPLOY_CANCELLED', `${what} was cancelled`);
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
