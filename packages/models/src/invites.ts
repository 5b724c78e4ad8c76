import { and, desc, eq, gt, isNull, sql } from 'drizzle-orm';
import { invites } from './accounts-schema.ts';
import type { Connection } from './connection.ts';
import type { InviteRow } from './rows.ts';
import type { SecretBox } from './secret-box.ts';

export type InviteQueries = ReturnType<typeof inviteQueries>;

/** Queries on invites. `token` is sealed in the file and plain in rows; empty when it was sealed with another key. */
export function inviteQueries({ db }: Connection, box: SecretBox) {
  const opened = (row: InviteRow): InviteRow => ({ ...row, token: box.open(row.token) ?? '' });
  const open = (now: Date) => and(isNull(invites.used_at), gt(invites.expires_at, now));

  return {
    /** The organisation's invites, newest first. */
    list(orgId: string): InviteRow[] {
      const newestFirst = [desc(invites.created_at), sql`rowid desc`];
      return db
        .select()
        .from(invites)
        .where(eq(invites.org_id, orgId))
        .orderBy(...newestFirst)
        .all()
        .map(opened);
    },

    insert(values: Pick<InviteRow, 'org_id' | 'email' | 'token_hash' | 'token' | 'expires_at'>): InviteRow {
      const sealed = { ...values, token: box.seal(values.token) };
      return opened(db.insert(invites).values(sealed).returning().get());
    },

    /** One that can be accepted now. */
    openByHash(hash: string, now: Date): InviteRow | undefined {
      const row = db
        .select()
        .from(invites)
        .where(and(eq(invites.token_hash, hash), open(now)))
        .get();
      return row && opened(row);
    },

    /** Whether somebody of this address could accept one of the organisation's now. */
    hasOpen(orgId: string, email: string, now: Date): boolean {
      const where = and(eq(invites.org_id, orgId), eq(invites.email, email), open(now));
      return db.select({ id: invites.id }).from(invites).where(where).get() !== undefined;
    },

    markUsed(id: string, at: Date): void {
      db.update(invites).set({ used_at: at }).where(eq(invites.id, id)).run();
    },

    /** `false` when the organisation has no such invite. */
    delete(orgId: string, id: string): boolean {
      return (
        db
          .delete(invites)
          .where(and(eq(invites.id, id), eq(invites.org_id, orgId)))
          .run().changes > 0
      );
    },
  };
}
