import type { ApprovalScope, ApprovalStatus } from '@agentcrew/protocol';
import { and, desc, eq, gt, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm';
import type { Connection } from './connection.ts';
import type { ApprovalRow, NewApproval } from './rows.ts';
import { approvals } from './schema.ts';

export type ApprovalQueries = ReturnType<typeof approvalQueries>;

/** Which page of a team's approvals; all conditions must hold. */
export interface ApprovalPage {
  teamId: string;
  status?: ApprovalStatus | undefined;
  /** Those asked before this time. */
  before?: Date | undefined;
  /** Those asked before this one; an unknown id is before everything. */
  beforeId?: string | undefined;
  limit: number;
}

/** What a person has decided. */
export interface ApprovalDecision {
  status: 'allowed' | 'denied';
  scope: ApprovalScope;
  message: string;
  updated_input: Record<string, unknown> | null;
}

/** Queries on what agents ask a person. A row is open until its end has reached its agent (`delivered_at`). */
export function approvalQueries({ db }: Connection) {
  const open = (teamId: string) => and(eq(approvals.team_id, teamId), isNull(approvals.delivered_at));
  const list = (where: SQL | undefined) => db.select().from(approvals).where(where).orderBy(sql`rowid`).all();

  return {
    /** `undefined` when there is one of that id. Throws TEAM_NOT_FOUND. */
    insert(values: NewApproval): ApprovalRow | undefined {
      return db.insert(approvals).values(values).onConflictDoNothing({ target: approvals.id }).returning().get();
    },

    get(teamId: string, id: string): ApprovalRow | undefined {
      return db
        .select()
        .from(approvals)
        .where(and(eq(approvals.id, id), eq(approvals.team_id, teamId)))
        .get();
    },

    /** Newest first. */
    page({ teamId, status, before, beforeId, limit }: ApprovalPage): ApprovalRow[] {
      const where = and(
        eq(approvals.team_id, teamId),
        status && eq(approvals.status, status),
        before && lt(approvals.created_at, before),
        beforeId === undefined
          ? undefined
          : sql`(${approvals.created_at}, rowid) < (select created_at, rowid from approvals where id = ${beforeId})`,
      );
      const order = [desc(approvals.created_at), sql`rowid desc`];
      return db
        .select()
        .from(approvals)
        .where(where)
        .orderBy(...order)
        .limit(limit)
        .all();
    },

    /** A person decides; `undefined` when it is not pending any more, or its time is over at `now`. */
    decide(id: string, decision: ApprovalDecision, now: Date): ApprovalRow | undefined {
      const decidable = and(eq(approvals.id, id), eq(approvals.status, 'pending'), gt(approvals.expires_at, now));
      return db
        .update(approvals)
        .set({ ...decision, decided_at: now })
        .where(decidable)
        .returning()
        .get();
    },

    /** The agent has got the decision. */
    markDelivered(id: string, at: Date): void {
      const waiting = and(eq(approvals.id, id), isNull(approvals.delivered_at));
      db.update(approvals).set({ delivered_at: at }).where(waiting).run();
    },

    /** An open one has ended in this way, whatever was decided; `undefined` when it is not open. */
    end(
      id: string,
      end: { status: Exclude<ApprovalStatus, 'pending'>; message?: string | undefined },
      at: Date,
    ): ApprovalRow | undefined {
      const changes = { ...end, decided_at: sql`coalesce(${approvals.decided_at}, ${at.getTime()})`, delivered_at: at };
      return db
        .update(approvals)
        .set(changes)
        .where(and(eq(approvals.id, id), isNull(approvals.delivered_at)))
        .returning()
        .get();
    },

    /** Pending and decided ones whose agent may still wait, oldest first. */
    open(teamId: string, agent?: string): ApprovalRow[] {
      return list(and(open(teamId), agent === undefined ? undefined : eq(approvals.agent, agent)));
    },

    /** Decided ones that their agents have not got yet, oldest first. */
    undelivered(teamId: string): ApprovalRow[] {
      return list(and(open(teamId), inArray(approvals.status, ['allowed', 'denied'])));
    },

    /** Pending ones of all teams whose time was over before `time`. */
    overdue(time: Date): ApprovalRow[] {
      return list(and(isNull(approvals.delivered_at), eq(approvals.status, 'pending'), lt(approvals.expires_at, time)));
    },
  };
}
