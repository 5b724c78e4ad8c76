import { CrewError } from '@agentcrew/protocol';

type Work = (signal: AbortSignal) => Promise<void>;

interface Operation {
  controller: AbortController;
  done: Promise<void>;
}

/** What is being done to which team: one operation for a team at a time, and repairs only while there is none. */
export interface Operations {
  busy(teamId: string): boolean;
  /** Starts a deploy in the background; its failure is its own affair. */
  deploy(teamId: string, work: Work): void;
  /** Cancels the team's deploy, if there is one, and waits for its end. */
  cancelDeploy(teamId: string): Promise<void>;
  /** Starts anything else; resolves with its end. Not while another goes on. */
  run(teamId: string, work: Work): Promise<void>;
  /** The end of the operation that goes on now. */
  current(teamId: string): Promise<void> | undefined;
  /** Mends something of a running team; every operation on the team cancels that first and waits for its end. */
  repair(teamId: string, work: Work): Promise<void>;
  /** Abandons deploys and waits for the rest. */
  close(): Promise<void>;
}

export function createOperations(): Operations {
  const operations = new Map<string, Operation & { kind: 'deploy' | 'other' }>();
  const repairs = new Map<string, Set<Operation>>();
  const cancelled = new CrewError('DEPLOY_CANCELLED', 'the deploy was cancelled');
  const closing = new CrewError('SHUTTING_DOWN', 'the server is shutting down');

  function begin(teamId: string, kind: 'deploy' | 'other', work: Work): Operation {
    const controller = new AbortController();
    const operation = { kind, controller, done: Promise.resolve() };
    operations.set(teamId, operation);
    operation.done = cancelRepairs(teamId)
      .then(() => work(controller.signal))
      .finally(() => {
        if (operations.get(teamId) === operation) operations.delete(teamId);
      });
    // Whoever waits for the operation sees its failure; nobody waiting must not end the process.
    operation.done.catch(() => undefined);
    return operation;
  }

  async function cancelRepairs(teamId: string): Promise<void> {
    const present = [...(repairs.get(teamId) ?? [])];
    for (const { controller } of present) controller.abort(cancelled);
    await Promise.allSettled(present.map(({ done }) => done));
  }

  return {
    busy: (teamId) => operations.has(teamId),
    deploy: (teamId, work) => void begin(teamId, 'deploy', work),
    run: (teamId, work) => begin(teamId, 'other', work).done,
    current: (teamId) => operations.get(teamId)?.done,

    async cancelDeploy(teamId) {
      // Until something else begins, the reconciler may resume a deploy that was cancelled just now.
      for (let operation = operations.get(teamId); operation?.kind === 'deploy'; operation = operations.get(teamId)) {
        operation.controller.abort(cancelled);
        await operation.done;
      }
    },

    async repair(teamId, work) {
      if (operations.has(teamId)) return;
      const ofTeam = repairs.get(teamId) ?? new Set();
      repairs.set(teamId, ofTeam);
      const controller = new AbortController();
      const repair = { controller, done: work(controller.signal) };
      ofTeam.add(repair);
      try {
        await repair.done;
      } finally {
        ofTeam.delete(repair);
        if (ofTeam.size === 0 && repairs.get(teamId) === ofTeam) repairs.delete(teamId);
      }
    },

    async close() {
      for (const { kind, controller } of operations.values()) if (kind === 'deploy') controller.abort(closing);
      await Promise.allSettled([...operations.values()].map(({ done }) => done));
    },
  };
}
