import type { Database, ScheduleRow, ScheduleRunRow } from '@agentcrew/models';
import { type CronTimes, readCron } from './cron.ts';
import { takenPlaces } from './places.ts';

/** Whatever is due is still in time for so long. */
const graceMs = 60_000;
/** How many missed times have a row each; of more, the oldest row says that there were earlier ones. */
export const listedMissed = 1_000;

export interface ClaimOptions {
  db: Database;
  now: Date;
  /** How many runs of schedules may be under way. */
  maxConcurrent: number;
}

/**
 * Takes what of a schedule is due, in one transaction: each due time gets its one row, either as a run that begins now or
 * as skipped with the reason, and the schedule moves on to its next time. Whoever comes second finds nothing due.
 * @returns the run that begins. Throws INVALID_REQUEST when the schedule cannot be read.
 */
export function claimDue(options: ClaimOptions, scheduleId: string): ScheduleRunRow | undefined {
  const { db, now } = options;
  return db.transaction(() => {
    const schedule = db.schedules.get(scheduleId);
    if (!schedule?.enabled || !schedule.next_run_at || schedule.next_run_at > now) return undefined;
    const cron = readCron(schedule.cron_expression, schedule.timezone);
    const times = dueTimes(cron, schedule.next_run_at, now);
    const last = times.at(-1);
    const late = last === undefined || now.getTime() - last.getTime() >= graceMs;
    const chosen = late && schedule.missed_policy === 'skip' ? undefined : last;
    const obstacle = chosen && obstacleTo(options, schedule);
    const madeUp = schedule.missed_policy === 'once' && !obstacle ? chosen : undefined;
    for (const [index, time] of times.entries()) {
      if (time !== chosen) skip(db, schedule, time, missedReason(madeUp, index === 0 && times.length === listedMissed));
    }
    if (chosen && obstacle) skip(db, schedule, chosen, obstacle);
    const run = chosen && !obstacle && begin(db, schedule, chosen);
    db.schedules.advance(scheduleId, {
      next_run_at: cron.next(now) ?? null,
      ...(run && { last_run_at: now, status: 'running' }),
    });
    return run || undefined;
  });
}

/** Mostly the one time that has just come. */
function dueTimes(cron: CronTimes, first: Date, now: Date): Date[] {
  const second = cron.next(first);
  return second && second <= now ? cron.between(first, now, listedMissed) : [first];
}

/** Why no run of the schedule may begin now. */
function obstacleTo({ db, maxConcurrent }: ClaimOptions, { id, org_id }: ScheduleRow): string | undefined {
  if (db.runs.openOfTrigger('schedule', id).length > 0) return 'The previous run of the schedule was still under way.';
  const taken = takenPlaces(db, 'schedule', org_id, maxConcurrent);
  return taken && `${taken} were under way already (SCHEDULER_MAX_CONCURRENT).`;
}

function begin(db: Database, { id, prompt }: ScheduleRow, due: Date): ScheduleRunRow | undefined {
  return db.schedules.insertRun({ schedule_id: id, due_at: due, prompt_sent: prompt });
}

function skip(db: Database, { id }: ScheduleRow, due: Date, reason: string): void {
  db.schedules.insertRun({
    schedule_id: id,
    due_at: due,
    status: 'skipped',
    error: reason,
    started_at: due,
    finished_at: due,
  });
}

function missedReason(madeUp: Date | undefined, more: boolean): string {
  const what = madeUp ? `; the run due at ${madeUp.toISOString()} makes up for it` : '';
  const earlier = more ? ' Earlier ones were missed too and are not listed.' : '';
  return `Missed: the server was away when this was due${what}.${earlier}`;
}
