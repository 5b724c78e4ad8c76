import { CrewError } from '@agentcrew/protocol';
import { and, count, eq, isNotNull, ne, sql } from 'drizzle-orm';
import { users } from './accounts-schema.ts';
import { defaultOrgId, defaultUserId } from './columns.ts';
import type { Connection } from './connection.ts';
import { violates } from './errors.ts';
import type { UserRow } from './rows.ts';

export type UserQueries = ReturnType<typeof userQueries>;

/** What a new user needs, and what of one may change. */
export type UserFields = Pick<
  UserRow,
  'email' | 'name' | 'password_hash' | 'role' | 'is_owner' | 'must_change_password' | 'token_epoch'
>;

/** Queries on users. E-mail addresses are given trimmed and in lower case. */
export function userQueries({ db }: Connection) {
  // Read with every request of somebody who is signed in.
  const byId = db
    .select()
    .from(users)
    .where(eq(users.id, sql.placeholder('id')))
    .prepare();

  return {
    get(id: string): UserRow | undefined {
      return byId.get({ id });
    },

    /** The user, if it is one of this organisation. */
    member(orgId: string, id: string): UserRow | undefined {
      const user = byId.get({ id });
      return user?.org_id === orgId ? user : undefined;
    },

    byEmail(email: string): UserRow | undefined {
      return db.select().from(users).where(eq(users.email, email)).get();
    },

    /** The organisation's users, oldest first. */
    list(orgId: string): UserRow[] {
      return db.select().from(users).where(eq(users.org_id, orgId)).orderBy(sql`rowid`).all();
    },

    /** Creates the one user of a server without sign-in, when it is not there. */
    ensureDefault(): void {
      const admin = { email: 'admin@agentcrew.local', name: 'Admin', role: 'admin' as const, is_owner: true };
      db.insert(users)
        .values({ id: defaultUserId, org_id: defaultOrgId, ...admin })
        .onConflictDoNothing()
        .run();
    },

    /** Throws EMAIL_TAKEN. */
    insert(values: Partial<UserFields> & { org_id: string; email: string; name: string }): UserRow {
      return emailConflict(() => db.insert(users).values(values).returning().get());
    },

    /** The changed row; `undefined` when there is no such user. Throws EMAIL_TAKEN. */
    update(id: string, patch: Partial<UserFields>): UserRow | undefined {
      const changes = { ...patch, updated_at: new Date() };
      return emailConflict(() => db.update(users).set(changes).where(eq(users.id, id)).returning().get());
    },

    /** Deletes the user with their sessions and keys; `false` when there is no such user. */
    delete(id: string): boolean {
      return db.delete(users).where(eq(users.id, id)).run().changes > 0;
    },

    /** Admins of the organisation who can sign in, without this one. */
    countOtherAdmins(orgId: string, userId: string): number {
      const others = and(
        eq(users.org_id, orgId),
        eq(users.role, 'admin'),
        isNotNull(users.password_hash),
        ne(users.id, userId),
      );
      return db.select({ admins: count() }).from(users).where(others).get()?.admins ?? 0;
    },
  };
}

function emailConflict<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!violates(error, 'users.email')) throw error;
    throw new CrewError('EMAIL_TAKEN', 'email already registered', { cause: error });
  }
}
