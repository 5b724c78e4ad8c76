import { and, eq, gt, isNull, lt, ne, sql } from 'drizzle-orm';
import { refreshTokens } from './accounts-schema.ts';
import type { Connection } from './connection.ts';
import type { RefreshTokenRow } from './rows.ts';

export type RefreshTokenQueries = ReturnType<typeof refreshTokenQueries>;

/** Queries on refresh tokens. A family is a session: all tokens that descend from one sign-in. */
export function refreshTokenQueries({ db }: Connection) {
  // Read with every request of somebody who is signed in.
  const alive = db
    .select({ id: refreshTokens.id })
    .from(refreshTokens)
    .where(
      and(
        eq(refreshTokens.family_id, sql.placeholder('familyId')),
        eq(refreshTokens.user_id, sql.placeholder('userId')),
        isNull(refreshTokens.revoked_at),
        gt(refreshTokens.expires_at, sql.placeholder('now')),
      ),
    )
    .limit(1)
    .prepare();
  const revoke = (where: ReturnType<typeof and>) => {
    const open = and(where, isNull(refreshTokens.revoked_at));
    return db.update(refreshTokens).set({ revoked_at: new Date() }).where(open).run().changes > 0;
  };

  return {
    byHash(hash: string): RefreshTokenRow | undefined {
      return db.select().from(refreshTokens).where(eq(refreshTokens.token_hash, hash)).get();
    },

    insert(values: Pick<RefreshTokenRow, 'family_id' | 'user_id' | 'token_hash' | 'expires_at'>): void {
      db.insert(refreshTokens).values(values).run();
    },

    /** `false` when it was used before. */
    markUsed(id: string, at: Date): boolean {
      const unused = and(eq(refreshTokens.id, id), isNull(refreshTokens.used_at));
      return db.update(refreshTokens).set({ used_at: at }).where(unused).run().changes > 0;
    },

    /** Whether the session goes on: it was not revoked, and its newest token has not expired. */
    isAlive(familyId: string, userId: string, now: Date): boolean {
      return alive.get({ familyId, userId, now: now.getTime() }) !== undefined;
    },

    /** `false` when it had ended before. */
    revokeFamily(familyId: string): boolean {
      return revoke(eq(refreshTokens.family_id, familyId));
    },

    /** Ends all sessions of the user, but the one to keep. */
    revokeOfUser(userId: string, keepFamily?: string): void {
      revoke(
        and(
          eq(refreshTokens.user_id, userId),
          keepFamily === undefined ? undefined : ne(refreshTokens.family_id, keepFamily),
        ),
      );
    },

    /** Forgets what could not be used any more by then. */
    deleteExpired(now: Date): void {
      db.delete(refreshTokens).where(lt(refreshTokens.expires_at, now)).run();
    },
  };
}
