import { setImmediate as breathe } from 'node:timers/promises';
import type { Database } from '@agentcrew/models';
import { CrewError, messageOf } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import { claimDue } from './claim.ts';
import { readCron } from './cron.ts';
import type { Runs } from './runs.ts';

/** Looks again at least so often: the clock may be set, a process may be put to sleep. */
const longestWaitMs = 60_000;
/** After something that was due could not be claimed. */
const retryMs = 1_000;

export interface SchedulerDeps {
  db: Database;
  runs: Pick<Runs, 'follow'>;
  maxConcurrent: number;
  /** The time of day. */
  now: () => Date;
  log: Logger;
}

/** Begins what schedules are due for. */
export interface Scheduler {
  start(): void;
  /** Claims and begins all that is due now. Passes never overlap. */
  tick(): Promise<void>;
  /** Claims and begins what of one schedule is due now, before its times become others. */
  claim(scheduleId: string): void;
  /** A schedule was created or changed: the next time may come sooner. */
  changed(): void;
  /** Begins nothing more. */
  close(): Promise<void>;
}

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { db, log } = deps;
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> | undefined;
  let running = false;
  /** The clock at the last look. That of an earlier process may have been ahead, too. */
  let seenAt: Date | undefined;

  async function pass(): Promise<void> {
    if (!seenAt || deps.now() < seenAt) reckonAnew(deps.now());
    seenAt = deps.now();
    for (const schedule of db.schedules.due(deps.now())) {
      claim(schedule.id);
      // A server that was away for long has much to note; it goes on answering meanwhile.
      await breathe();
    }
  }

  /** The clock is earlier than it was: so are the next times, which would come only when it is that late again. */
  function reckonAnew(now: Date): void {
    for (const { id, cron_expression, timezone, next_run_at } of db.schedules.waiting()) {
      try {
        const next = readCron(cron_expression, timezone).next(now);
        if (next && next_run_at && next < next_run_at) db.schedules.advance(id, { next_run_at: next });
      } catch (error) {
        log.error({ schedule: id, error: messageOf(error) }, 'schedule cannot be read');
      }
    }
  }

  function claim(id: string): void {
    try {
      const run = claimDue({ db, now: deps.now(), maxConcurrent: deps.maxConcurrent }, id);
      if (!run) return;
      log.info({ schedule: id, run: run.id }, 'schedule is due');
      deps.runs.follow({ type: 'schedule', id: run.id });
    } catch (error) {
      log.error({ schedule: id, error: messageOf(error) }, 'schedule not run');
      // What this server cannot read would be tried again for ever.
      const unreadable = error instanceof CrewError && error.code === 'INVALID_REQUEST';
      if (unreadable) db.schedules.advance(id, { status: 'error', next_run_at: null });
    }
  }

  function tick(): Promise<void> {
    current ??= pass()
      .catch((error: unknown) => log.error({ error: messageOf(error) }, 'schedules not looked at'))
      .finally(() => {
        current = undefined;
        arm();
      });
    return current;
  }

  function arm(): void {
    clearTimeout(timer);
    if (running) timer = setTimeout(() => void tick(), waitMs());
  }

  function waitMs(): number {
    try {
      const next = db.schedules.nextDueAt();
      const wait = next ? next.getTime() - deps.now().getTime() : longestWaitMs;
      return wait <= 0 ? retryMs : Math.min(wait, longestWaitMs);
    } catch {
      return retryMs;
    }
  }

  return {
    tick,
    claim,
    start() {
      running = true;
      void tick();
    },
    changed() {
      if (!current) arm();
    },
    async close() {
      running = false;
      clearTimeout(timer);
      await current;
    },
  };
}
