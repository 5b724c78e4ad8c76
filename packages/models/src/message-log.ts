import type { MessageType } from '@agentcrew/protocol';
import { and, asc, desc, eq, gt, inArray, lt, lte, max, type SQL, sql } from 'drizzle-orm';
import type { Connection } from './connection.ts';
import type { MessageRow } from './rows.ts';
import { messages } from './schema.ts';

/** Which page of a team's log; all conditions must hold. */
export interface PageQuery {
  teamId: string;
  /** Absent: all types. */
  types?: readonly MessageType[] | undefined;
  /** Rows created before this time. */
  before?: Date | undefined;
  /** Rows inserted before this one. */
  beforeSeq?: number | undefined;
  limit: number;
}

/** What of a team's log follows `seq`. */
export interface AfterQuery {
  teamId: string;
  seq: number;
  /** Absent: all types. */
  types?: readonly MessageType[] | undefined;
  limit: number;
}

interface Selection {
  where: SQL | undefined;
  order: SQL;
  types: readonly MessageType[] | undefined;
  limit: number;
}

/** Newest first. */
export function readPage(connection: Connection, { teamId, types, before, beforeSeq, limit }: PageQuery): MessageRow[] {
  const where = and(
    eq(messages.team_id, teamId),
    before && createdBefore(connection, teamId, before),
    beforeSeq === undefined ? undefined : lt(messages.seq, beforeSeq),
  );
  return read(connection, { where, order: desc(messages.seq), types, limit });
}

/** Oldest first. */
export function readAfter(connection: Connection, { teamId, seq, types, limit }: AfterQuery): MessageRow[] {
  const where = and(eq(messages.team_id, teamId), gt(messages.seq, seq));
  return read(connection, { where, order: asc(messages.seq), types, limit });
}

/**
 * Rows by time, in the order of insertion: a clock may have been set back in between, so that the one does not follow
 * from the other. The bound on `seq` is what is quick to search by; the `+` keeps SQLite from choosing the index by
 * time, which would make it sort all older rows.
 */
function createdBefore({ db }: Connection, teamId: string, time: Date): SQL | undefined {
  const older = and(eq(messages.team_id, teamId), lt(messages.created_at, time));
  const newest =
    db
      .select({ seq: max(messages.seq) })
      .from(messages)
      .where(older)
      .get()?.seq ?? 0;
  return and(lte(messages.seq, newest), sql`+${messages.created_at} < ${time.getTime()}`);
}

/**
 * Reads through an index however rare the types are: the first rows of each type by itself, then the first of those.
 * In one statement `message_type in (…)` SQLite would walk through all rows of other types between them.
 */
function read({ db }: Connection, { where, order, types, limit }: Selection): MessageRow[] {
  if (types?.length === 0) return [];
  const firstOfType = (type: MessageType) => {
    const ofType = and(where, eq(messages.message_type, type));
    return sql`select seq from ${db.select({ seq: messages.seq }).from(messages).where(ofType).orderBy(order).limit(limit)}`;
  };
  const wanted = types ? inArray(messages.seq, sql`(${sql.join(types.map(firstOfType), sql` union all `)})`) : where;
  return db.select().from(messages).where(wanted).orderBy(order).limit(limit).all();
}
