import { CrewError } from '@agentcrew/protocol';
import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import { postActionBindings, postActions, schedules, webhooks } from './automation-schema.ts';
import type { Connection } from './connection.ts';
import { violates } from './errors.ts';
import { openedAction } from './post-actions.ts';
import type { NewPostActionBinding, PostAction, PostActionBindingPatch, PostActionBindingRow } from './rows.ts';
import type { SecretBox } from './secret-box.ts';
import type { TriggerType } from './values.ts';

export type PostActionBindingQueries = ReturnType<typeof postActionBindingQueries>;

/** A binding with the action it sets off and the name of its schedule or webhook. */
export interface BoundAction {
  binding: PostActionBindingRow;
  action: PostAction;
  trigger_name: string;
}

/** What sets post-actions off. */
export interface Trigger {
  type: TriggerType;
  id: string;
}

const triggerTables = { schedule: schedules, webhook: webhooks };

/** Queries on what sets post-actions off. A binding goes with its schedule or webhook: the database itself sees to that. */
export function postActionBindingQueries({ db }: Connection, box: SecretBox) {
  const bound = () =>
    db
      .select({
        binding: getTableColumns(postActionBindings),
        action: getTableColumns(postActions),
        trigger_name: sql<string>`coalesce(${schedules.name}, ${webhooks.name}, '')`,
      })
      .from(postActionBindings)
      .innerJoin(postActions, eq(postActions.id, postActionBindings.post_action_id))
      .leftJoin(schedules, and(eq(postActionBindings.trigger_type, 'schedule'), ofTrigger(schedules)))
      .leftJoin(webhooks, and(eq(postActionBindings.trigger_type, 'webhook'), ofTrigger(webhooks)));
  const ofTrigger = (table: typeof schedules | typeof webhooks) =>
    and(eq(table.id, postActionBindings.trigger_id), eq(table.org_id, postActions.org_id));
  const opened = <T extends { action: PostAction | Omit<PostAction, 'unreadable'> }>(row: T) => ({
    ...row,
    action: openedAction(box, row.action),
  });
  const one = (actionId: string, id: string) =>
    and(eq(postActionBindings.id, id), eq(postActionBindings.post_action_id, actionId));

  return {
    /** Of one action, oldest first. */
    ofAction(actionId: string): BoundAction[] {
      const where = eq(postActionBindings.post_action_id, actionId);
      return bound().where(where).orderBy(sql`${postActionBindings}.rowid`).all().map(opened);
    },

    /** Of one schedule or webhook of the organisation, oldest first. */
    ofTrigger(orgId: string, { type, id }: Trigger): BoundAction[] {
      const where = and(
        eq(postActions.org_id, orgId),
        eq(postActionBindings.trigger_type, type),
        eq(postActionBindings.trigger_id, id),
      );
      return bound().where(where).orderBy(sql`${postActionBindings}.rowid`).all().map(opened);
    },

    get(actionId: string, id: string): BoundAction | undefined {
      const row = bound().where(one(actionId, id)).get();
      return row && opened(row);
    },

    /** Whether the organisation has this schedule or webhook. */
    triggerExists(orgId: string, { type, id }: Trigger): boolean {
      const table = triggerTables[type];
      const where = and(eq(table.id, id), eq(table.org_id, orgId));
      return db.select({ id: table.id }).from(table).where(where).get() !== undefined;
    },

    /** Throws POST_ACTION_BINDING_EXISTS. */
    insert(values: NewPostActionBinding): PostActionBindingRow {
      return onlyOnce(() => db.insert(postActionBindings).values(values).returning().get());
    },

    /** The changed row; `undefined` when the action has no such binding. Throws POST_ACTION_BINDING_EXISTS. */
    update(actionId: string, id: string, patch: PostActionBindingPatch): PostActionBindingRow | undefined {
      if (Object.values(patch).every((value) => value === undefined)) {
        return db.select().from(postActionBindings).where(one(actionId, id)).get();
      }
      return onlyOnce(() => db.update(postActionBindings).set(patch).where(one(actionId, id)).returning().get());
    },

    /** `false` when the action has no such binding. */
    delete(actionId: string, id: string): boolean {
      return db.delete(postActionBindings).where(one(actionId, id)).run().changes > 0;
    },

    /** The ids of what the end of a run sets off: enabled bindings of enabled actions. */
    matching(
      orgId: string,
      trigger: Trigger,
      outcome: 'success' | 'failure',
    ): { id: string; post_action_id: string }[] {
      return db
        .select({ id: postActionBindings.id, post_action_id: postActionBindings.post_action_id })
        .from(postActionBindings)
        .innerJoin(postActions, eq(postActions.id, postActionBindings.post_action_id))
        .where(
          and(
            eq(postActions.org_id, orgId),
            eq(postActions.enabled, true),
            eq(postActionBindings.enabled, true),
            eq(postActionBindings.trigger_type, trigger.type),
            eq(postActionBindings.trigger_id, trigger.id),
            inArray(postActionBindings.trigger_on, [outcome, 'any']),
          ),
        )
        .all();
    },
  };
}

function onlyOnce<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!violates(error, 'post_action_bindings.trigger_id')) throw error;
    throw new CrewError('POST_ACTION_BINDING_EXISTS', 'this binding already exists', { cause: error });
  }
}
