import { and, asc, eq } from 'drizzle-orm';
import { postActionBindings, postActions } from './automation-schema.ts';
import type { Connection } from './connection.ts';
import type { PostActionBindingRow, PostActionRow } from './rows.ts';
import type { TriggerType } from './values.ts';

export type TriggerBindingQueries = ReturnType<typeof triggerBindingQueries>;

/** What follows the runs of a trigger. */
export interface TriggerBinding {
  binding: PostActionBindingRow;
  post_action: PostActionRow;
}

/** Queries on the post-actions that are bound to a schedule or a webhook. */
export function triggerBindingQueries({ db }: Connection) {
  return {
    /** Oldest first. Values of `auth_config` are as they are stored. */
    of(type: TriggerType, triggerId: string): TriggerBinding[] {
      return db
        .select({ binding: postActionBindings, post_action: postActions })
        .from(postActionBindings)
        .innerJoin(postActions, eq(postActions.id, postActionBindings.post_action_id))
        .where(ofTrigger(type, triggerId))
        .orderBy(asc(postActionBindings.created_at))
        .all();
    },
  };
}

/** Deletes what is bound to a trigger that goes. */
export function deleteBindings({ db }: Connection, type: TriggerType, triggerId: string): void {
  db.delete(postActionBindings).where(ofTrigger(type, triggerId)).run();
}

function ofTrigger(type: TriggerType, triggerId: string) {
  return and(eq(postActionBindings.trigger_type, type), eq(postActionBindings.trigger_id, triggerId));
}
