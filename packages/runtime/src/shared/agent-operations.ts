import { CrewError } from '@agentcrew/protocol';
import { cancellations, cancelled } from './cancellation.ts';
import { serialQueue } from './serial-queue.ts';

/** What is asked of one agent happens in order; a stop cancels what was begun before it. */
export interface AgentOperations {
  /** @throws CrewError DEPLOY_CANCELLED, DEPLOY_TIMEOUT, or the signal's own one, whatever the task throws on abort */
  deploy(id: string, agent: string, signal: AbortSignal, task: (signal: AbortSignal) => Promise<void>): Promise<void>;
  stop(id: string, task: () => Promise<void>): Promise<void>;
  /** Stops each of them; the first failure is thrown when all have ended. */
  stopAll(ids: Iterable<string>, stop: (id: string) => Promise<void>): Promise<void>;
  /** Whether something waits or runs. */
  isBusy(id: string): boolean;
  busyIds(): string[];
}

export function agentOperations(): AgentOperations {
  const queue = serialQueue();
  const deploys = cancellations();
  return {
    async deploy(id, agent, signal, task) {
      await deploys.run(id, signal, async (either) => {
        try {
          await queue.run(id, async () => task(either));
        } catch (error) {
          throw either.aborted ? cancelled(either, `the deploy of agent ${agent}`) : error;
        }
      });
    },

    async stop(id, task) {
      deploys.cancel(id, new CrewError('DEPLOY_CANCELLED', 'the agent was stopped while it was being deployed'));
      await queue.run(id, task);
    },

    async stopAll(ids, stop) {
      const results = await Promise.allSettled([...new Set(ids)].map(async (id) => stop(id)));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    },

    isBusy: (id) => queue.isBusy(id),
    busyIds: () => queue.busyKeys(),
  };
}
