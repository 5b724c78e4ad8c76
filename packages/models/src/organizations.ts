import { CrewError } from '@agentcrew/protocol';
import { count, eq, isNotNull } from 'drizzle-orm';
import { organizations, users } from './accounts-schema.ts';
import { defaultOrgId } from './columns.ts';
import type { Connection } from './connection.ts';
import { violates } from './errors.ts';
import type { OrganizationRow } from './rows.ts';

export type OrganizationQueries = ReturnType<typeof organizationQueries>;

/** Queries on organisations. */
export function organizationQueries({ db }: Connection) {
  return {
    get(id: string): OrganizationRow | undefined {
      return db.select().from(organizations).where(eq(organizations.id, id)).get();
    },

    all(): OrganizationRow[] {
      return db.select().from(organizations).all();
    },

    /** Creates the default organisation when it is not there. */
    ensureDefault(): void {
      db.insert(organizations)
        .values({ id: defaultOrgId, name: 'Default', slug: 'default' })
        .onConflictDoNothing()
        .run();
    },

    /** Throws ORG_NAME_TAKEN. */
    insert(values: { name: string; slug: string }): OrganizationRow {
      return slugConflict(() => db.insert(organizations).values(values).returning().get());
    },

    /** The changed row; `undefined` when there is no such organisation. Throws ORG_NAME_TAKEN. */
    update(id: string, patch: { name: string; slug?: string }): OrganizationRow | undefined {
      const changes = { ...patch, updated_at: new Date() };
      return slugConflict(() =>
        db.update(organizations).set(changes).where(eq(organizations.id, id)).returning().get(),
      );
    },

    /** Whether somebody can sign in: before that, whoever registers gets the default organisation. */
    anyClaimed(): boolean {
      const claimed = db.select({ users: count() }).from(users).where(isNotNull(users.password_hash)).get();
      return (claimed?.users ?? 0) > 0;
    },
  };
}

function slugConflict<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!violates(error, 'organizations.slug')) throw error;
    throw new CrewError('ORG_NAME_TAKEN', 'organization name already exists', { cause: error });
  }
}
