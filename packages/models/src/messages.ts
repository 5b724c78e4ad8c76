import type { MessageType } from '@agentcrew/protocol';
import { and, asc, count, desc, eq, gt, inArray, isNotNull, max, min, notInArray, sql } from 'drizzle-orm';
import { type Connection, inTransaction } from './connection.ts';
import { type AfterQuery, type PageQuery, readAfter, readPage } from './message-log.ts';
import type { MessageRow, NewMessage } from './rows.ts';
import { messages } from './schema.ts';

export type MessageQueries = ReturnType<typeof messageQueries>;

/** Messages that end a turn: they answer the message in their `ref_message_id`. */
const replies: readonly MessageType[] = ['leader_response', 'task_result'];

/** Queries on the log of messages, whose order is that of insertion (`seq`). */
export function messageQueries(connection: Connection) {
  const { db } = connection;
  const prepared = prepareHot(connection);

  return {
    /**
     * Stores a message; `undefined` when its `message_id` is stored already (a copy, ignored). A reply, a copy too, marks
     * the message it answers in the same transaction. Throws TEAM_NOT_FOUND.
     */
    insert(values: NewMessage): MessageRow | undefined {
      return inTransaction(connection, () => {
        const row = prepared.insert(values);
        if (values.ref_message_id && replies.includes(values.message_type)) prepared.markAnswered(values);
        return row;
      });
    },

    get(messageId: string): MessageRow | undefined {
      return db.select().from(messages).where(eq(messages.message_id, messageId)).get();
    },

    /** The team's message that a client gave this key. */
    byIdempotencyKey(teamId: string, key: string): MessageRow | undefined {
      const wanted = and(eq(messages.team_id, teamId), eq(messages.idempotency_key, key));
      return db.select().from(messages).where(wanted).get();
    },

    /** The newest of the team's messages that come from this agent. */
    lastFrom(teamId: string, agent: string): MessageRow | undefined {
      const wanted = and(eq(messages.team_id, teamId), eq(messages.from_agent, agent));
      return db.select().from(messages).where(wanted).orderBy(desc(messages.seq)).limit(1).get();
    },

    /** Newest first. */
    page(query: PageQuery): MessageRow[] {
      return readPage(connection, query);
    },

    /** Oldest first. */
    after(query: AfterQuery): MessageRow[] {
      if (query.types) return readAfter(connection, query);
      return prepared.after.all({ teamId: query.teamId, seq: query.seq, limit: query.limit });
    },

    /** `seq` of the team's newest message, 0 when it has none. */
    lastSeq(teamId: string): number {
      const row = db
        .select({ seq: max(messages.seq) })
        .from(messages)
        .where(eq(messages.team_id, teamId))
        .get();
      return row?.seq ?? 0;
    },

    /** The team's messages that are to be published, oldest first. */
    pending(teamId: string, limit: number): MessageRow[] {
      return prepared.pending.all({ teamId, limit });
    },

    /** A pending message was published at `at`. `false`: it is not pending (any more). */
    markSent(seq: number, at: Date): boolean {
      return prepared.markSent.run({ seq, at }).changes > 0;
    },

    /** The team's messages that have no reply yet, published or not, oldest first. */
    unanswered(teamId: string): MessageRow[] {
      // The `+` keeps SQLite on the index of the few rows that wait, instead of the one of all rows of the team.
      const wanted = and(inArray(messages.delivery, ['pending', 'sent']), sql`+${messages.team_id} = ${teamId}`);
      return db.select().from(messages).where(wanted).orderBy(asc(messages.seq)).all();
    },

    /** Nobody waits any more for the reply to a message. `false`: it has one, or there is no such message. */
    cancel(messageId: string, reason: string): boolean {
      const wanted = and(eq(messages.message_id, messageId), inArray(messages.delivery, ['pending', 'sent']));
      return db.update(messages).set({ cancel_reason: reason }).where(wanted).run().changes > 0;
    },

    /** Tasks and questions between the team's agents that have no result, oldest first. */
    openTasks(teamId: string): MessageRow[] {
      const ofType = (...types: MessageType[]) =>
        and(eq(messages.team_id, teamId), inArray(messages.message_type, types));
      const answered = db
        .select({ id: messages.ref_message_id })
        .from(messages)
        .where(and(ofType('task_result'), isNotNull(messages.ref_message_id)));
      const open = and(ofType('task_assignment', 'question'), notInArray(messages.message_id, answered));
      return db.select().from(messages).where(open).orderBy(asc(messages.seq)).all();
    },

    /** Messages that were published are to be published again; how many. */
    requeue(seqs: readonly number[]): number {
      const wanted = and(inArray(messages.seq, [...seqs]), eq(messages.delivery, 'sent'));
      return db.update(messages).set({ delivery: 'pending', sent_at: null }).where(wanted).run().changes;
    },

    /** How many messages of all teams are to be published. */
    outboxDepth(): number {
      const rows = db.select({ count: count() }).from(messages).where(eq(messages.delivery, 'pending')).get();
      return rows?.count ?? 0;
    },

    /** When the oldest of them was stored; `undefined` when there is none. */
    oldestPendingAt(): Date | undefined {
      const at = min(messages.created_at);
      return db.select({ at }).from(messages).where(eq(messages.delivery, 'pending')).get()?.at ?? undefined;
    },
  };
}

/** The statements of every turn, prepared once. */
function prepareHot({ db }: Connection) {
  const value = sql.placeholder;
  const insert = db
    .insert(messages)
    .values({
      id: value('id'),
      team_id: value('team_id'),
      message_id: value('message_id'),
      from_agent: value('from_agent'),
      to_agent: value('to_agent'),
      addressee_id: value('addressee_id'),
      message_type: value('message_type'),
      payload: value('payload'),
      ref_message_id: value('ref_message_id'),
      // Written as SQL: a placeholder of a JSON column would store an absent context as the text `null`.
      context: sql`${value('context')}`,
      delivery: value('delivery'),
      idempotency_key: value('idempotency_key'),
      created_at: value('created_at'),
    })
    .onConflictDoNothing({ target: messages.message_id })
    .returning()
    .prepare();
  const markAnswered = db
    .update(messages)
    .set({ delivery: 'answered' })
    .where(
      and(eq(messages.message_id, value('ref')), eq(messages.team_id, value('teamId')), isNotNull(messages.delivery)),
    )
    .prepare();

  return {
    insert(values: NewMessage): MessageRow | undefined {
      return insert.get({
        ...values,
        id: values.id ?? crypto.randomUUID(),
        addressee_id: values.addressee_id ?? null,
        ref_message_id: values.ref_message_id ?? null,
        context: values.context ? JSON.stringify(values.context) : null,
        delivery: values.delivery ?? null,
        idempotency_key: values.idempotency_key ?? null,
        created_at: new Date(),
      });
    },
    markAnswered(reply: NewMessage): void {
      markAnswered.run({ ref: reply.ref_message_id, teamId: reply.team_id });
    },
    after: db
      .select()
      .from(messages)
      .where(and(eq(messages.team_id, value('teamId')), gt(messages.seq, value('seq'))))
      .orderBy(asc(messages.seq))
      .limit(value('limit'))
      .prepare(),
    pending: db
      .select()
      .from(messages)
      .where(and(eq(messages.delivery, 'pending'), eq(messages.team_id, value('teamId'))))
      .orderBy(asc(messages.seq))
      .limit(value('limit'))
      .prepare(),
    markSent: db
      .update(messages)
      .set({ delivery: 'sent', sent_at: sql`${sql.param(value('at'), messages.sent_at)}` })
      .where(and(eq(messages.seq, value('seq')), eq(messages.delivery, 'pending')))
      .prepare(),
  };
}
