import { and, count, desc, eq, isNotNull, lte, min } from 'drizzle-orm';
import { scheduleRuns, schedules } from './automation-schema.ts';
import type { Connection } from './connection.ts';
import type { Numbered, NumberedPage } from './pages.ts';
import type { ScheduleRow, ScheduleRunRow } from './rows.ts';

export type ScheduleQueries = ReturnType<typeof scheduleQueries>;

/** What a new schedule needs and may have. */
export type NewSchedule = Omit<typeof schedules.$inferInsert, 'created_at' | 'updated_at'>;
/** What of a schedule may change; absent and undefined fields stay. */
export type SchedulePatch = Partial<Omit<NewSchedule, 'id' | 'org_id'>>;
export type NewScheduleRun = Pick<typeof scheduleRuns.$inferInsert, 'schedule_id' | 'due_at' | 'status' | 'error'> &
  Pick<Partial<ScheduleRunRow>, 'prompt_sent' | 'started_at' | 'finished_at'>;

/** Queries on schedules and their runs. */
export function scheduleQueries(connection: Connection) {
  const { db } = connection;
  const due = (now: Date) => and(eq(schedules.enabled, true), lte(schedules.next_run_at, now));

  return {
    /** The organisation's schedules, newest first. */
    list(orgId: string): ScheduleRow[] {
      return db.select().from(schedules).where(eq(schedules.org_id, orgId)).orderBy(desc(schedules.created_at)).all();
    },

    get(id: string): ScheduleRow | undefined {
      return db.select().from(schedules).where(eq(schedules.id, id)).get();
    },

    /** Throws TEAM_NOT_FOUND. */
    insert(values: NewSchedule): ScheduleRow {
      return db.insert(schedules).values(values).returning().get();
    },

    /** The changed row; `undefined` when there is no such schedule. Throws TEAM_NOT_FOUND. */
    update(id: string, patch: SchedulePatch): ScheduleRow | undefined {
      const changes = { ...patch, updated_at: new Date() };
      return db.update(schedules).set(changes).where(eq(schedules.id, id)).returning().get();
    },

    /** Notes what the scheduler has done; that is no change of the schedule by a person. */
    advance(id: string, changes: Pick<SchedulePatch, 'next_run_at' | 'last_run_at' | 'status'>): void {
      db.update(schedules).set(changes).where(eq(schedules.id, id)).run();
    },

    /** Deletes the schedule with its runs and the bindings of post-actions to it. */
    delete(id: string): boolean {
      return db.delete(schedules).where(eq(schedules.id, id)).run().changes > 0;
    },

    /** Enabled ones of all organisations whose next run is due, the longest waiting first. */
    due(now: Date): ScheduleRow[] {
      return db.select().from(schedules).where(due(now)).orderBy(schedules.next_run_at).all();
    },

    /** Those of all organisations that have a next run. */
    waiting(): ScheduleRow[] {
      return db
        .select()
        .from(schedules)
        .where(and(eq(schedules.enabled, true), isNotNull(schedules.next_run_at)))
        .all();
    },

    /** When the next run of all is due; `undefined`: never. */
    nextDueAt(): Date | undefined {
      const at = min(schedules.next_run_at);
      return db.select({ at }).from(schedules).where(eq(schedules.enabled, true)).get()?.at ?? undefined;
    },

    /** `undefined` when that due time has a run already. */
    insertRun(values: NewScheduleRun): ScheduleRunRow | undefined {
      return db
        .insert(scheduleRuns)
        .values(values)
        .onConflictDoNothing({ target: [scheduleRuns.schedule_id, scheduleRuns.due_at] })
        .returning()
        .get();
    },

    run(scheduleId: string, id: string): ScheduleRunRow | undefined {
      const wanted = and(eq(scheduleRuns.id, id), eq(scheduleRuns.schedule_id, scheduleId));
      return db.select().from(scheduleRuns).where(wanted).get();
    },

    /** By the time they were due, newest first. */
    runs(scheduleId: string, { page, perPage }: NumberedPage): Numbered<ScheduleRunRow> {
      const ofSchedule = eq(scheduleRuns.schedule_id, scheduleId);
      const total = db.select({ count: count() }).from(scheduleRuns).where(ofSchedule).get()?.count ?? 0;
      const rows = db
        .select()
        .from(scheduleRuns)
        .where(ofSchedule)
        .orderBy(desc(scheduleRuns.due_at))
        .limit(perPage)
        .offset((page - 1) * perPage)
        .all();
      return { rows, total };
    },
  };
}
