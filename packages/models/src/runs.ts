import { and, asc, count, desc, eq, gt, gte, inArray, isNull, ne, type SQL, sql } from 'drizzle-orm';
import { scheduleRuns, schedules, webhookRuns, webhooks } from './automation-schema.ts';
import type { Connection } from './connection.ts';
import type { MessageRow, ScheduleRunRow, WebhookRunRow } from './rows.ts';
import { messages } from './schema.ts';
import type { RunStatus, TriggerType } from './values.ts';

export type RunQueries = ReturnType<typeof runQueries>;

/** Which run: the ids of schedules' and webhooks' runs are apart from each other. */
export interface RunRef {
  type: TriggerType;
  id: string;
}

/** What the runs of schedules and webhooks have in common, with the trigger that they belong to. */
export interface Run extends RunRef, Pick<ScheduleRunRow & WebhookRunRow, SharedColumn> {
  trigger: {
    id: string;
    name: string;
    org_id: string;
    team_id: string;
    /** How long its runs may take; `undefined`: as long as the server's configuration says. */
    timeout_seconds: number | undefined;
  };
}

type SharedColumn =
  | 'message_id'
  | 'deployed_team'
  | 'started_at'
  | 'finished_at'
  | 'status'
  | 'error'
  | 'prompt_sent'
  | 'response_received';

export interface RunEnd {
  status: Exclude<RunStatus, 'running' | 'skipped'>;
  error: string;
  response_received: string;
}

type RunChanges = Partial<Pick<Run, SharedColumn>>;
type Table = typeof scheduleRuns | typeof webhookRuns;

/** Queries on runs, whatever has triggered them. */
export function runQueries({ db }: Connection) {
  function ofSchedules(where: SQL | undefined): Run[] {
    return db
      .select({ run: scheduleRuns, trigger: schedules })
      .from(scheduleRuns)
      .innerJoin(schedules, eq(schedules.id, scheduleRuns.schedule_id))
      .where(where)
      .orderBy(asc(scheduleRuns.started_at))
      .all()
      .map(({ run, trigger }) => {
        const { id, name, org_id, team_id } = trigger;
        return { ...run, type: 'schedule', trigger: { id, name, org_id, team_id, timeout_seconds: undefined } };
      });
  }

  function ofWebhooks(where: SQL | undefined): Run[] {
    return db
      .select({ run: webhookRuns, trigger: webhooks })
      .from(webhookRuns)
      .innerJoin(webhooks, eq(webhooks.id, webhookRuns.webhook_id))
      .where(where)
      .orderBy(asc(webhookRuns.started_at))
      .all()
      .map(({ run, trigger }) => {
        const { id, name, org_id, team_id, timeout_seconds } = trigger;
        return { ...run, type: 'webhook', trigger: { id, name, org_id, team_id, timeout_seconds } };
      });
  }

  function get({ type, id }: RunRef): Run | undefined {
    const [run] = type === 'schedule' ? ofSchedules(eq(scheduleRuns.id, id)) : ofWebhooks(eq(webhookRuns.id, id));
    return run;
  }

  function update({ type, id }: RunRef, changes: RunChanges): boolean {
    const running = (table: Table) => and(eq(table.id, id), eq(table.status, 'running'));
    const { changes: changed } =
      type === 'schedule'
        ? db.update(scheduleRuns).set(changes).where(running(scheduleRuns)).run()
        : db.update(webhookRuns).set(changes).where(running(webhookRuns)).run();
    return changed > 0;
  }

  /** A trigger is `running` as long as one of its runs is. */
  function refreshTrigger({ type, trigger: { id } }: Run): void {
    const status = (table: Table, trigger: SQL) =>
      sql`case when exists (select 1 from ${table} where ${trigger} and status = 'running') then 'running' else 'idle' end`;
    if (type === 'schedule') {
      const open = status(scheduleRuns, sql`schedule_id = ${id}`);
      db.update(schedules).set({ status: open }).where(eq(schedules.id, id)).run();
    } else {
      const open = status(webhookRuns, sql`webhook_id = ${id}`);
      db.update(webhooks).set({ status: open }).where(eq(webhooks.id, id)).run();
    }
  }

  return {
    get,

    /** All that are running, of all organisations, oldest first. */
    open(): Run[] {
      return [...ofSchedules(eq(scheduleRuns.status, 'running')), ...ofWebhooks(eq(webhookRuns.status, 'running'))];
    },

    /** Those of a team that are running. */
    openOfTeam(teamId: string): Run[] {
      return [
        ...ofSchedules(and(eq(scheduleRuns.status, 'running'), eq(schedules.team_id, teamId))),
        ...ofWebhooks(and(eq(webhookRuns.status, 'running'), eq(webhooks.team_id, teamId))),
      ];
    },

    /** Those of a schedule or a webhook that are running. */
    openOfTrigger(type: TriggerType, triggerId: string): Run[] {
      return type === 'schedule'
        ? ofSchedules(and(eq(scheduleRuns.status, 'running'), eq(schedules.id, triggerId)))
        : ofWebhooks(and(eq(webhookRuns.status, 'running'), eq(webhooks.id, triggerId)));
    },

    /** Those of an organisation's schedules or webhooks that are running. */
    openOfOrganization(type: TriggerType, orgId: string): Run[] {
      return type === 'schedule'
        ? ofSchedules(and(eq(scheduleRuns.status, 'running'), eq(schedules.org_id, orgId)))
        : ofWebhooks(and(eq(webhookRuns.status, 'running'), eq(webhooks.org_id, orgId)));
    },

    /** Whether another organisation has schedules, or webhooks, that are switched on. */
    othersHave(type: TriggerType, orgId: string): boolean {
      const table = type === 'schedule' ? schedules : webhooks;
      const ofOthers = and(eq(table.enabled, true), ne(table.org_id, orgId));
      return db.select({ id: table.id }).from(table).where(ofOthers).limit(1).get() !== undefined;
    },

    /** How many of all organisations are running. */
    countOpen(type: TriggerType): number {
      const table: Table = type === 'schedule' ? scheduleRuns : webhookRuns;
      return db.select({ count: count() }).from(table).where(eq(table.status, 'running')).get()?.count ?? 0;
    },

    /** Changes a run that is running; `false`: it is not (any more). */
    update,

    /** Ends a run that is running; `undefined`: it is not (any more). */
    end(ref: RunRef, end: RunEnd, at: Date): Run | undefined {
      if (!update(ref, { ...end, finished_at: at })) return undefined;
      const run = get(ref);
      if (run) refreshTrigger(run);
      return run;
    },

    /** The stored reply to a message. */
    replyTo({ team_id, message_id, seq }: MessageRow): MessageRow | undefined {
      return db
        .select()
        .from(messages)
        .where(
          and(
            eq(messages.team_id, team_id),
            inArray(messages.message_type, ['leader_response', 'task_result']),
            gt(messages.seq, seq),
            eq(messages.ref_message_id, message_id),
          ),
        )
        .limit(1)
        .get();
    },

    /** Whether a person has sent the team a message since then: one that is not the prompt of a run. */
    chattedSince(teamId: string, since: Date): boolean {
      const chat = and(
        eq(messages.team_id, teamId),
        eq(messages.message_type, 'user_message'),
        gte(messages.created_at, since),
        isNull(sql`json_extract(${messages.payload}, '$.scheduled_run_id')`),
      );
      return (
        db.select({ seq: messages.seq }).from(messages).where(chat).orderBy(desc(messages.seq)).limit(1).get() !==
        undefined
      );
    },
  };
}
