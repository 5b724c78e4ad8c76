import { CrewError } from '@agentcrew/protocol';
import { and, count, eq, inArray, sql } from 'drizzle-orm';
import type { Connection } from './connection.ts';
import { violates } from './errors.ts';
import { openedServers, sealedServers } from './mcp-secrets.ts';
import type { NewTeam, TeamPatch, TeamRow } from './rows.ts';
import { teams } from './schema.ts';
import type { SecretBox } from './secret-box.ts';
import type { TeamStatus } from './values.ts';

export type TeamQueries = ReturnType<typeof teamQueries>;

/**
 * Queries on teams. `nats_token` and the secrets of `mcp_servers` are sealed in the file and plain in rows; they are empty
 * when they were sealed with another key, and have to be given anew then.
 */
export function teamQueries({ db }: Connection, box: SecretBox) {
  const opened = (row: TeamRow): TeamRow => ({
    ...row,
    nats_token: box.open(row.nats_token) ?? '',
    mcp_servers: openedServers(box, row.mcp_servers),
  });
  const sealed = <T extends Partial<Pick<NewTeam, 'nats_token' | 'mcp_servers'>>>(values: T): T => ({
    ...values,
    ...(values.nats_token !== undefined && { nats_token: box.seal(values.nats_token) }),
    ...(values.mcp_servers && { mcp_servers: sealedServers(box, values.mcp_servers) }),
  });
  // Read several times in every turn: building the statement takes longer than running it.
  const byId = db
    .select()
    .from(teams)
    .where(eq(teams.id, sql.placeholder('id')))
    .prepare();

  return {
    /** The organisation's teams, oldest first. */
    list(orgId: string): TeamRow[] {
      return db.select().from(teams).where(eq(teams.org_id, orgId)).orderBy(sql`rowid`).all().map(opened);
    },

    /** The teams of all organisations, oldest first. */
    all(): TeamRow[] {
      return db.select().from(teams).orderBy(sql`rowid`).all().map(opened);
    },

    get(id: string): TeamRow | undefined {
      const row = byId.get({ id });
      return row && opened(row);
    },

    findByName(orgId: string, name: string): TeamRow | undefined {
      const row = db
        .select()
        .from(teams)
        .where(and(eq(teams.org_id, orgId), eq(teams.name, name)))
        .get();
      return row && opened(row);
    },

    /** Upper and lower case are the same in slugs. */
    findBySlug(slug: string): TeamRow | undefined {
      const row = db.select().from(teams).where(sql`${teams.slug} = ${slug} collate nocase`).get();
      return row && opened(row);
    },

    /** Throws TEAM_NAME_TAKEN; `details.field` tells whether it is the `name` or the `slug`. */
    insert(values: NewTeam): TeamRow {
      return opened(nameConflict(() => db.insert(teams).values(sealed(values)).returning().get()));
    },

    /** The changed row; `undefined` when there is no such team. Throws TEAM_NAME_TAKEN. */
    update(id: string, patch: TeamPatch): TeamRow | undefined {
      const changes = { ...sealed(patch), updated_at: new Date() };
      const row = nameConflict(() => db.update(teams).set(changes).where(eq(teams.id, id)).returning().get());
      return row && opened(row);
    },

    /** Sets the status, if it is one of `from` now. `false`: it was not, or there is no such team; nothing changed. */
    setStatus(
      id: string,
      status: TeamStatus,
      message: string,
      options: { from?: readonly TeamStatus[] } = {},
    ): boolean {
      const expected = options.from && inArray(teams.status, [...options.from]);
      const changes = { status, status_message: message, updated_at: new Date() };
      return (
        db
          .update(teams)
          .set(changes)
          .where(and(eq(teams.id, id), expected))
          .run().changes > 0
      );
    },

    /** Deletes the team with its agents and messages; `false` when there is no such team. */
    delete(id: string): boolean {
      return db.delete(teams).where(eq(teams.id, id)).run().changes > 0;
    },

    countByStatus(): Record<TeamStatus, number> {
      const rows = db.select({ status: teams.status, count: count() }).from(teams).groupBy(teams.status).all();
      const counts = { stopped: 0, deploying: 0, running: 0, error: 0 };
      for (const row of rows) counts[row.status] = row.count;
      return counts;
    },
  };
}

function nameConflict<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    const field = violates(error, 'teams.slug') ? 'slug' : violates(error, 'teams.name') ? 'name' : undefined;
    if (!field) throw error;
    throw new CrewError('TEAM_NAME_TAKEN', 'team name already exists', { details: { field }, cause: error });
  }
}
