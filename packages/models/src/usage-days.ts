import { and, asc, between, eq, sql } from 'drizzle-orm';
import type { Connection } from './connection.ts';
import type { AgentRow, UsageDayRow } from './rows.ts';
import { usageDays } from './schema.ts';
import { type TurnUsage, usageSums } from './usage.ts';

export type UsageDayQueries = ReturnType<typeof usageDayQueries>;

export interface UsageDaysQuery {
  orgId: string;
  /** First and last day, `YYYY-MM-DD`. */
  from: string;
  to: string;
  teamId?: string;
  limit: number;
}

/** Queries on what was used on which day. */
export function usageDayQueries({ db }: Connection) {
  return {
    /** Oldest day first. */
    list({ orgId, from, to, teamId, limit }: UsageDaysQuery): UsageDayRow[] {
      const ofTeam = teamId === undefined ? undefined : eq(usageDays.team_id, teamId);
      return db
        .select()
        .from(usageDays)
        .where(and(eq(usageDays.org_id, orgId), between(usageDays.day, from, to), ofTeam))
        .orderBy(asc(usageDays.day), sql`rowid`)
        .limit(limit)
        .all();
    },
  };
}

/** Adds one turn to the sums of the agent's day (UTC). */
export function addToDay(
  { db }: Connection,
  { agent, team, turn, at }: { agent: AgentRow; team: string; turn: TurnUsage; at: Date },
): void {
  const names = { team, agent: agent.name };
  db.insert(usageDays)
    .values({
      day: at.toISOString().slice(0, 10),
      org_id: agent.org_id,
      team_id: agent.team_id,
      agent_id: agent.id,
      ...names,
      ...turn.usage,
      cost_usd: turn.cost_usd,
      turns: 1,
    })
    .onConflictDoUpdate({ target: [usageDays.day, usageDays.agent_id], set: { ...names, ...usageSums(turn) } })
    .run();
}
