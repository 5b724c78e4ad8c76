import type { AgentStatus } from '../runtime.ts';
import type { RuntimeLogger } from './logger.ts';
import { serialQueue } from './serial-queue.ts';
import type { StatusReports } from './status-reports.ts';

export interface AgentLooksOptions {
  agents: { status(id: string): Promise<AgentStatus>; list(): Promise<AgentStatus[]> };
  reports: StatusReports;
  /** A failure in words for the log. */
  wordsOf: (error: unknown) => string;
  /** Aborts when nobody watches any more. */
  stop: AbortSignal;
  log: RuntimeLogger;
}

/** Looks at agents, and reports what is another state than before. Failures are logged. */
export interface AgentLooks {
  /** One at a time of an agent: an older one must not have the last word. */
  look(id: string): Promise<void>;
  lookAtAll(): Promise<void>;
  /** Does something else that may fail like a look. */
  guarded(task: () => Promise<void>): Promise<void>;
}

export function agentLooks({ agents, reports, wordsOf, stop, log }: AgentLooksOptions): AgentLooks {
  const queue = serialQueue();

  async function guarded(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (!stop.aborted) log.warn({ err: wordsOf(error) }, 'agents could not be looked at');
    }
  }

  return {
    look: async (id) => queue.run(id, async () => guarded(async () => reports.report(await agents.status(id)))),
    lookAtAll: async () => guarded(async () => reports.reportAll(await agents.list())),
    guarded,
  };
}
