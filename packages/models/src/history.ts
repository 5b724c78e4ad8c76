import { and, inArray, lt, sql } from 'drizzle-orm';
import { postActionRuns, scheduleRuns, webhookRuns } from './automation-schema.ts';
import { type Connection, inTransaction } from './connection.ts';
import { isActivity, messages } from './schema.ts';

export type HistoryQueries = ReturnType<typeof historyQueries>;

/** Queries on what was, of all organisations. */
export function historyQueries(connection: Connection) {
  const { db } = connection;
  const rowid = sql<number>`rowid`;

  function forgetRuns(table: typeof scheduleRuns | typeof webhookRuns, before: Date, limit: number): number {
    const old = db.select({ rowid }).from(table).where(lt(table.finished_at, before)).limit(limit);
    return db.delete(table).where(inArray(rowid, old)).run().changes;
  }

  function forgetDeliveries(before: Date, limit: number): number {
    const old = db.select({ rowid }).from(postActionRuns).where(lt(postActionRuns.completed_at, before)).limit(limit);
    return db.delete(postActionRuns).where(inArray(rowid, old)).run().changes;
  }

  function forgetActivity(before: Date, limit: number): number {
    const old = db
      .select({ rowid })
      .from(messages)
      .where(and(isActivity, lt(messages.created_at, before)))
      .limit(limit);
    return db.delete(messages).where(inArray(rowid, old)).run().changes;
  }

  return {
    /**
     * Deletes what agents did, and runs of schedules, webhooks and post-actions that have ended, all of it before that
     * time; what was said in a team stays. At most `limit` rows of each kind; gives how many in all.
     */
    forget(before: Date, limit: number): number {
      return inTransaction(connection, () => {
        const runs = forgetRuns(scheduleRuns, before, limit) + forgetRuns(webhookRuns, before, limit);
        return runs + forgetDeliveries(before, limit) + forgetActivity(before, limit);
      });
    },
  };
}
