import { and, eq, isNull, sql } from 'drizzle-orm';
import { apiKeys } from './accounts-schema.ts';
import type { Connection } from './connection.ts';
import type { ApiKeyRow } from './rows.ts';

export type ApiKeyQueries = ReturnType<typeof apiKeyQueries>;

/** Queries on API keys. A revoked one stays as a row, and is in no list. */
export function apiKeyQueries({ db }: Connection) {
  return {
    get(id: string): ApiKeyRow | undefined {
      return db.select().from(apiKeys).where(eq(apiKeys.id, id)).get();
    },

    byHash(hash: string): ApiKeyRow | undefined {
      return db.select().from(apiKeys).where(eq(apiKeys.key_hash, hash)).get();
    },

    /** Those of the organisation, or of one of its users, oldest first. */
    list(orgId: string, userId?: string): ApiKeyRow[] {
      const ofUser = userId === undefined ? undefined : eq(apiKeys.user_id, userId);
      const where = and(eq(apiKeys.org_id, orgId), ofUser, isNull(apiKeys.revoked_at));
      return db.select().from(apiKeys).where(where).orderBy(sql`rowid`).all();
    },

    insert(
      values: Pick<ApiKeyRow, 'org_id' | 'user_id' | 'name' | 'role' | 'prefix' | 'key_hash' | 'expires_at'>,
    ): ApiKeyRow {
      return db.insert(apiKeys).values(values).returning().get();
    },

    markUsed(id: string, at: Date): void {
      db.update(apiKeys).set({ last_used_at: at }).where(eq(apiKeys.id, id)).run();
    },

    revoke(id: string): void {
      db.update(apiKeys).set({ revoked_at: new Date() }).where(eq(apiKeys.id, id)).run();
    },
  };
}
