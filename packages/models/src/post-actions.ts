import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import { postActions } from './automation-schema.ts';
import type { Connection } from './connection.ts';
import type { NewPostAction, PostAction, PostActionPatch, PostActionRow } from './rows.ts';
import type { SecretBox } from './secret-box.ts';

export type PostActionQueries = ReturnType<typeof postActionQueries>;

type Map = Record<string, string>;

/** Queries on post-actions. The values of `headers` and `auth_config` are sealed in the file, plain in what comes back. */
export function postActionQueries({ db }: Connection, box: SecretBox) {
  const one = (orgId: string, id: string) => and(eq(postActions.id, id), eq(postActions.org_id, orgId));
  const bindings = sql<number>`(select count(*) from post_action_bindings where post_action_id = post_actions.id)`;

  return {
    /** The organisation's actions with the number of their bindings, oldest first. */
    list(orgId: string): (PostAction & { bindings_count: number })[] {
      return db
        .select({ ...getTableColumns(postActions), bindings_count: bindings })
        .from(postActions)
        .where(eq(postActions.org_id, orgId))
        .orderBy(sql`rowid`)
        .all()
        .map(({ bindings_count, ...row }) => ({ ...openedAction(box, row), bindings_count }));
    },

    get(orgId: string, id: string): PostAction | undefined {
      const row = db.select().from(postActions).where(one(orgId, id)).get();
      return row && openedAction(box, row);
    },

    insert(values: NewPostAction): PostAction {
      return openedAction(box, db.insert(postActions).values(sealed(box, values)).returning().get());
    },

    /** The changed row; `undefined` when the organisation has no such action. */
    update(orgId: string, id: string, patch: PostActionPatch): PostAction | undefined {
      const changes = { ...sealed(box, patch), updated_at: new Date() };
      const row = db.update(postActions).set(changes).where(one(orgId, id)).returning().get();
      return row && openedAction(box, row);
    },

    /** Deletes the action with its bindings and runs; `false` when the organisation has no such action. */
    delete(orgId: string, id: string): boolean {
      return db.delete(postActions).where(one(orgId, id)).run().changes > 0;
    },
  };
}

/** The row with its secrets plain; those that were sealed with another key are empty, and `unreadable` says so. */
export function openedAction(box: SecretBox, row: PostActionRow): PostAction {
  const stored = [...Object.values(row.headers ?? {}), ...Object.values(row.auth_config ?? {})];
  const open = (map: Map | null) => map && mapped(map, (value) => box.open(value) ?? '');
  const unreadable = stored.some((value) => box.open(value) === undefined);
  return { ...row, headers: open(row.headers), auth_config: open(row.auth_config), unreadable };
}

function sealed<T extends PostActionPatch>(box: SecretBox, values: T): T {
  const { headers, auth_config } = values;
  return {
    ...values,
    ...(headers && { headers: mapped(headers, box.seal) }),
    ...(auth_config && { auth_config: mapped(auth_config, box.seal) }),
  };
}

function mapped(map: Map, change: (value: string) => string): Map {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}
