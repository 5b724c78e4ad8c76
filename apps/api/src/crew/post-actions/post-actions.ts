import type { ClaimedRun, Database } from '@agentcrew/models';
import type { Logger } from 'pino';
import type { RunEnded } from '../runs/run-ended.ts';
import { createAddressGuard } from './address-guard.ts';
import { createAttempts } from './attempt.ts';
import type { Lookup } from './connector.ts';
import { placeholdersOf } from './placeholders.ts';

export interface PostActionsDeps {
  db: Database;
  /** Hosts, addresses and networks that may be called although they are private. */
  allowPrivate: string[];
  /** Requests under way at once. */
  maxConcurrent: number;
  log: Logger;
  /** Finds the addresses of hosts; default: the system's way. */
  lookup?: Lookup;
  /** The pause after so many attempts, in milliseconds; default: 1, 2, 4 … 30 s and a bit. */
  pauseMs?: (attempts: number) => number;
}

/** Calls who wants to know that a run has ended, at least once, also when the server is killed. */
export interface PostActions {
  /** Stores what a run sets off. To be called in the transaction that ends the run. */
  enqueue(ended: RunEnded): void;
  /** Begins with what is due, and what was under way when the server ended. */
  start(): void;
  /** Breaks off what is under way: the next start makes these attempts again. */
  close(): Promise<void>;
}

const closeDeadlineMs = 2_000;
const storageRetryMs = 5_000;
/** A clock that is set back must not stop the queue. */
const longestSleepMs = 60_000;

export function createPostActions(deps: PostActionsDeps): PostActions {
  const { db, maxConcurrent, log } = deps;
  const closing = new AbortController();
  const attempts = createAttempts({ ...deps, guard: createAddressGuard(deps.allowPrivate), closing: closing.signal });
  /** By run: its action, and its end. */
  const underWay = new Map<string, { actionId: string; done: Promise<void> }>();
  // One action whose receiver hangs leaves room for others.
  const mostOfOneAction = Math.max(1, Math.floor(maxConcurrent / 2));
  let running = false;
  let timer: NodeJS.Timeout | undefined;

  function crowded(): string[] {
    const groups = Map.groupBy(underWay.values(), ({ actionId }) => actionId);
    return [...groups].filter(([, runs]) => runs.length >= mostOfOneAction).map(([actionId]) => actionId);
  }

  function pump(): void {
    if (!running) return;
    clearTimeout(timer);
    try {
      while (underWay.size < maxConcurrent && beginNext());
      // With all places taken, the next end of a request comes here again.
      if (underWay.size < maxConcurrent) sleepUntil(db.postActionRuns.nextDueAt(crowded()));
    } catch (error) {
      log.warn({ err: error }, 'post-actions wait for the database');
      timer = setTimeout(pump, storageRetryMs);
    }
  }

  function beginNext(): boolean {
    const claimed = db.postActionRuns.claim(new Date(), crowded());
    if (claimed) begin(claimed);
    return claimed !== undefined;
  }

  function begin(claimed: ClaimedRun): void {
    const { run, action } = claimed;
    const done = attempts.make(claimed).finally(() => {
      underWay.delete(run.id);
      pump();
    });
    underWay.set(run.id, { actionId: action.id, done });
  }

  function sleepUntil(due: Date | undefined): void {
    if (!due) return;
    const ms = due.getTime() - Date.now();
    timer = setTimeout(pump, Math.min(Math.max(ms, 1), longestSleepMs));
  }

  return {
    enqueue(ended) {
      const { trigger_type: type, trigger_id: id, org_id, run } = ended;
      const outcome = run.status === 'success' ? 'success' : 'failure';
      for (const binding of db.postActionBindings.matching(org_id, { type, id }, outcome)) {
        db.postActionRuns.insert({
          post_action_id: binding.post_action_id,
          binding_id: binding.id,
          source_type: type,
          source_run_id: run.id,
          placeholders: placeholdersOf(ended),
        });
      }
      // The transaction is over by then.
      queueMicrotask(pump);
    },
    start() {
      running = true;
      const broken = db.postActionRuns.release(new Date());
      if (broken > 0) log.info({ runs: broken }, 'post-actions that were broken off are tried again');
      pump();
    },
    async close() {
      running = false;
      clearTimeout(timer);
      closing.abort(new Error('the server ends'));
      const deadline = Promise.withResolvers<void>();
      const limit = setTimeout(deadline.resolve, closeDeadlineMs);
      await Promise.race([Promise.all([...underWay.values()].map(({ done }) => done)), deadline.promise]);
      clearTimeout(limit);
    },
  };
}
