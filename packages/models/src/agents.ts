import { CrewError } from '@agentcrew/protocol';
import { and, count, eq, inArray, ne, or, sql } from 'drizzle-orm';
import { type Connection, inTransaction } from './connection.ts';
import { violates } from './errors.ts';
import { openedServers, sealedServers } from './mcp-secrets.ts';
import type { AgentPatch, AgentRow, NewAgent } from './rows.ts';
import { agents, teams } from './schema.ts';
import type { SecretBox } from './secret-box.ts';
import { type TurnUsage, usageSums } from './usage.ts';
import { addToDay } from './usage-days.ts';
import type { ContainerStatus } from './values.ts';

export type AgentQueries = ReturnType<typeof agentQueries>;

/** Queries on agents. The secrets of `mcp_servers` are sealed in the file and plain in rows. */
export function agentQueries(connection: Connection, box: SecretBox) {
  const { db } = connection;
  const opened = (row: AgentRow): AgentRow =>
    row.mcp_servers ? { ...row, mcp_servers: openedServers(box, row.mcp_servers) } : row;
  const sealed = <T extends Pick<AgentPatch, 'mcp_servers'>>(values: T): T =>
    values.mcp_servers ? { ...values, mcp_servers: sealedServers(box, values.mcp_servers) } : values;
  // Read several times in every turn: building the statement takes longer than running it.
  const byTeam = db
    .select()
    .from(agents)
    .where(eq(agents.team_id, sql.placeholder('teamId')))
    .orderBy(sql`rowid`)
    .prepare();
  return {
    /** The team's agents, oldest first. */
    listByTeam(teamId: string): AgentRow[] {
      return byTeam.all({ teamId }).map(opened);
    },

    /** The agents of several teams, oldest first; unknown teams have none. */
    listByTeams(teamIds: readonly string[]): AgentRow[] {
      return db
        .select()
        .from(agents)
        .where(inArray(agents.team_id, [...teamIds]))
        .orderBy(sql`rowid`)
        .all()
        .map(opened);
    },

    get(teamId: string, id: string): AgentRow | undefined {
      const row = db
        .select()
        .from(agents)
        .where(and(eq(agents.id, id), eq(agents.team_id, teamId)))
        .get();
      return row && opened(row);
    },

    /** Throws AGENT_NAME_TAKEN; `details.field` tells whether it is the `name` or the `slug`. */
    insert(values: NewAgent): AgentRow {
      return opened(nameConflict(() => db.insert(agents).values(sealed(values)).returning().get()));
    },

    /** The changed row; `undefined` when there is no such agent. Throws AGENT_NAME_TAKEN. */
    update(id: string, patch: AgentPatch): AgentRow | undefined {
      const changes = { ...sealed(patch), updated_at: new Date() };
      const row = nameConflict(() => db.update(agents).set(changes).where(eq(agents.id, id)).returning().get());
      return row && opened(row);
    },

    /** `false` when there is no such agent. */
    delete(id: string): boolean {
      return db.delete(agents).where(eq(agents.id, id)).run().changes > 0;
    },

    /** `false` when the row says so already, or there is no such agent. */
    setContainer(id: string, container: { container_id: string; container_status: ContainerStatus }): boolean {
      const differs = or(
        ne(agents.container_id, container.container_id),
        ne(agents.container_status, container.container_status),
      );
      const changes = { ...container, updated_at: new Date() };
      return (
        db
          .update(agents)
          .set(changes)
          .where(and(eq(agents.id, id), differs))
          .run().changes > 0
      );
    },

    countByStatus(): Record<ContainerStatus, number> {
      const status = agents.container_status;
      const rows = db.select({ status, count: count() }).from(agents).groupBy(status).all();
      const counts = { stopped: 0, running: 0, error: 0 };
      for (const row of rows) counts[row.status] = row.count;
      return counts;
    },

    /** Adds one turn to the sums of the agent, of its team and of the day; nothing happens when there is no such agent. */
    addUsage(id: string, turn: TurnUsage): void {
      inTransaction(connection, () => {
        const changed = db.update(agents).set(usageSums(turn)).where(eq(agents.id, id));
        const agent = changed.returning().get();
        if (!agent) return;
        const ofTeam = db.update(teams).set(usageSums(turn)).where(eq(teams.id, agent.team_id));
        const team = ofTeam.returning({ name: teams.name }).get();
        addToDay(connection, { agent, team: team?.name ?? '', turn, at: new Date() });
      });
    },
  };
}

function nameConflict<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    const field = violates(error, 'agents.slug') ? 'slug' : violates(error, 'agents_team_name') ? 'name' : undefined;
    if (!field) throw error;
    throw new CrewError('AGENT_NAME_TAKEN', 'agent name already exists in this team', {
      details: { field },
      cause: error,
    });
  }
}
