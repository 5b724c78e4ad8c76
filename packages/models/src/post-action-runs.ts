import { and, count, desc, eq, isNotNull, isNull, lte, notInArray, sql } from 'drizzle-orm';
import { postActionBindings, postActionRuns, postActions } from './automation-schema.ts';
import { type Connection, inTransaction } from './connection.ts';
import { openedAction } from './post-actions.ts';
import type { NewPostActionRun, PostAction, PostActionBindingRow, PostActionRunRow } from './rows.ts';
import type { SecretBox } from './secret-box.ts';

export type PostActionRunQueries = ReturnType<typeof postActionRunQueries>;

/** What an attempt came to. */
export interface AttemptResult {
  /** 0 when there was no answer. */
  status_code: number;
  response_body: string;
  error: string;
  request_sent: string;
}

/** What is to be attempted, as it is now. */
export interface ClaimedRun {
  run: PostActionRunRow;
  action: PostAction;
  /** What set it off, unless it was removed since. */
  binding: PostActionBindingRow | undefined;
}

const open = sql`status in ('pending', 'retrying')`;

/**
 * Queries on the queue of post-actions and its history. An open run waits for its `next_attempt_at`; one without is under
 * way, or was when the server ended.
 */
export function postActionRunQueries(connection: Connection, box: SecretBox) {
  const { db } = connection;
  /** Writes only what is under way: a run is finished once. */
  const settle = (id: string, changes: Partial<PostActionRunRow>) =>
    void db
      .update(postActionRuns)
      .set(changes)
      .where(and(eq(postActionRuns.id, id), open, isNull(postActionRuns.next_attempt_at)))
      .run();

  function withAction(run: PostActionRunRow): ClaimedRun | undefined {
    const action = db.select().from(postActions).where(eq(postActions.id, run.post_action_id)).get();
    const binding = db.select().from(postActionBindings).where(eq(postActionBindings.id, run.binding_id)).get();
    return action && { run, action: openedAction(box, action), binding };
  }

  return {
    /** Due at once. The same end of a run sets a binding off once: `false` when it did before. */
    insert(values: NewPostActionRun): boolean {
      const due = { ...values, triggered_at: new Date(), next_attempt_at: new Date() };
      return db.insert(postActionRuns).values(due).onConflictDoNothing().run().changes > 0;
    },

    /** One page of an action's runs, newest first, and how many there are in all. */
    page(actionId: string, { limit, offset }: { limit: number; offset: number }) {
      const where = eq(postActionRuns.post_action_id, actionId);
      const order = [desc(postActionRuns.triggered_at), sql`rowid desc`];
      const rows = db
        .select()
        .from(postActionRuns)
        .where(where)
        .orderBy(...order)
        .limit(limit)
        .offset(offset)
        .all();
      const total = db.select({ count: count() }).from(postActionRuns).where(where).get()?.count ?? 0;
      return { rows, total };
    },

    /** Takes the run that has been due longest, as under way; none of the actions in `passOver`. */
    claim(now: Date, passOver: string[]): ClaimedRun | undefined {
      const due = and(
        open,
        lte(postActionRuns.next_attempt_at, now),
        notInArray(postActionRuns.post_action_id, passOver),
      );
      const next = db
        .select({ id: postActionRuns.id })
        .from(postActionRuns)
        .where(due)
        .orderBy(postActionRuns.next_attempt_at, sql`rowid`)
        .limit(1);
      // As a whole, so that nothing is taken that cannot be handed out.
      return inTransaction(connection, () => {
        const run = db
          .update(postActionRuns)
          .set({ next_attempt_at: null, attempts: sql`attempts + 1` })
          .where(eq(postActionRuns.id, next))
          .returning()
          .get();
        return run && withAction(run);
      });
    },

    /** What was under way when the server ended is due again; that attempt does not count. Gives their number. */
    release(now: Date): number {
      return db
        .update(postActionRuns)
        .set({ next_attempt_at: now, attempts: sql`max(attempts - 1, 0)` })
        .where(and(open, isNull(postActionRuns.next_attempt_at)))
        .run().changes;
    },

    /** Another attempt follows at `at`. */
    retry(id: string, result: AttemptResult, at: Date): void {
      settle(id, { ...result, status: 'retrying', next_attempt_at: at });
    },

    /** There are no more attempts. What the placeholders stood for is let go. */
    finish(id: string, result: AttemptResult & { status: 'success' | 'failed' }, at: Date): void {
      settle(id, { ...result, completed_at: at, placeholders: {} });
    },

    /** When the next attempt of those that wait is due, apart from the actions in `passOver`. */
    nextDueAt(passOver: string[]): Date | undefined {
      const waits = and(
        open,
        isNotNull(postActionRuns.next_attempt_at),
        notInArray(postActionRuns.post_action_id, passOver),
      );
      const row = db
        .select({ at: postActionRuns.next_attempt_at })
        .from(postActionRuns)
        .where(waits)
        .orderBy(postActionRuns.next_attempt_at)
        .limit(1)
        .get();
      return row?.at ?? undefined;
    },

    /** How many are not done. */
    openCount(): number {
      return db.select({ count: count() }).from(postActionRuns).where(open).get()?.count ?? 0;
    },
  };
}
