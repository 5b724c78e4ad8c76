import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { flag, json, now, orgId, time, uuid, words } from './columns.ts';
import { teams } from './schema.ts';
import type {
  AuthType,
  DeliveryStatus,
  HttpMethod,
  MissedPolicy,
  RunStatus,
  ScheduleStatus,
  TriggerOn,
  TriggerType,
  WebhookStatus,
} from './values.ts';

const ofTeam = () =>
  text()
    .notNull()
    .references(() => teams.id, { onDelete: 'cascade' });

/** What schedules and webhooks note of each run. */
const runColumns = () => ({
  /** The message that was sent; its reply is this run's. */
  message_id: text().unique(),
  /** Whether this run deployed the team, and so has to stop it. */
  deployed_team: flag().default(false),
  started_at: now(),
  finished_at: time(),
  status: text().$type<RunStatus>().notNull().default('running'),
  error: words(),
  prompt_sent: words(),
  response_received: words(),
});

export const schedules = sqliteTable(
  'schedules',
  {
    id: uuid(),
    org_id: orgId(),
    team_id: ofTeam(),
    name: text().notNull(),
    prompt: text().notNull(),
    cron_expression: text().notNull(),
    /** IANA name. */
    timezone: text().notNull().default('UTC'),
    enabled: flag().default(true),
    /** What becomes of runs that were due while the server was away: none, or one for all of them. */
    missed_policy: text().$type<MissedPolicy>().notNull().default('skip'),
    status: text().$type<ScheduleStatus>().notNull().default('idle'),
    last_run_at: time(),
    next_run_at: time(),
    created_at: now(),
    updated_at: now(),
  },
  (table) => [index('schedules_org').on(table.org_id), index('schedules_due').on(table.enabled, table.next_run_at)],
);

export const scheduleRuns = sqliteTable(
  'schedule_runs',
  {
    id: uuid(),
    schedule_id: text()
      .notNull()
      .references(() => schedules.id, { onDelete: 'cascade' }),
    /** The time it was due: each has one run, also one that was skipped. */
    due_at: time().notNull(),
    team_deployment_id: words(),
    ...runColumns(),
  },
  (table) => [
    uniqueIndex('schedule_runs_due').on(table.schedule_id, table.due_at),
    index('schedule_runs_finished').on(table.finished_at),
    index('schedule_runs_open').on(table.status).where(sql`status = 'running'`),
  ],
);

export const webhooks = sqliteTable(
  'webhooks',
  {
    id: uuid(),
    org_id: orgId(),
    team_id: ofTeam(),
    name: text().notNull(),
    prompt_template: text().notNull(),
    token_hash: text().notNull().unique(),
    secret_prefix: text().notNull(),
    /** Key of the bodies' signatures, sealed; null: they need none. */
    signing_secret: text(),
    enabled: flag().default(true),
    timeout_seconds: integer().notNull().default(3600),
    max_concurrent: integer().notNull().default(1),
    status: text().$type<WebhookStatus>().notNull().default('idle'),
    last_triggered_at: time(),
    created_at: now(),
    updated_at: now(),
  },
  (table) => [index('webhooks_org').on(table.org_id)],
);

export const webhookRuns = sqliteTable(
  'webhook_runs',
  {
    id: uuid(),
    webhook_id: text()
      .notNull()
      .references(() => webhooks.id, { onDelete: 'cascade' }),
    /** The caller's own key: a repeated call is the same run. */
    idempotency_key: text(),
    request_payload: words(),
    caller_ip: words(),
    ...runColumns(),
  },
  (table) => [
    uniqueIndex('webhook_runs_idempotency')
      .on(table.webhook_id, table.idempotency_key)
      .where(sql`idempotency_key is not null`),
    index('webhook_runs_webhook').on(table.webhook_id, table.started_at),
    index('webhook_runs_finished').on(table.finished_at),
    index('webhook_runs_open').on(table.status).where(sql`status = 'running'`),
  ],
);

export const postActions = sqliteTable(
  'post_actions',
  {
    id: uuid(),
    org_id: orgId(),
    name: text().notNull(),
    description: words(),
    method: text().$type<HttpMethod>().notNull().default('POST'),
    url: text().notNull(),
    headers: json().$type<Record<string, string>>(),
    body_template: words(),
    auth_type: text().$type<AuthType>().notNull().default('none'),
    /** JSON with every value sealed. */
    auth_config: json().$type<Record<string, string>>(),
    timeout_seconds: integer().notNull().default(30),
    retry_count: integer().notNull().default(0),
    enabled: flag().default(true),
    created_at: now(),
    updated_at: now(),
  },
  (table) => [index('post_actions_org').on(table.org_id)],
);

export const postActionBindings = sqliteTable(
  'post_action_bindings',
  {
    id: uuid(),
    post_action_id: text()
      .notNull()
      .references(() => postActions.id, { onDelete: 'cascade' }),
    trigger_type: text().$type<TriggerType>().notNull(),
    /** Of a schedule or a webhook; goes with it. */
    trigger_id: text().notNull(),
    trigger_on: text().$type<TriggerOn>().notNull().default('any'),
    /** Takes the place of the action's template. */
    body_override: text(),
    enabled: flag().default(true),
    created_at: now(),
  },
  (table) => [
    uniqueIndex('post_action_bindings_once').on(
      table.post_action_id,
      table.trigger_type,
      table.trigger_id,
      table.trigger_on,
    ),
    index('post_action_bindings_trigger').on(table.trigger_type, table.trigger_id),
  ],
);

/** The queue of post-actions and its history: what is `pending` or `retrying` is still to be done. */
export const postActionRuns = sqliteTable(
  'post_action_runs',
  {
    id: uuid(),
    post_action_id: text()
      .notNull()
      .references(() => postActions.id, { onDelete: 'cascade' }),
    binding_id: text().notNull(),
    source_type: text().$type<TriggerType>().notNull(),
    source_run_id: text().notNull(),
    /** What the placeholders stand for, as of the end of the run. */
    placeholders: json().$type<Record<string, string>>().notNull(),
    triggered_at: now(),
    completed_at: time(),
    status: text().$type<DeliveryStatus>().notNull().default('pending'),
    attempts: integer().notNull().default(0),
    next_attempt_at: time(),
    status_code: integer().notNull().default(0),
    response_body: words(),
    error: words(),
    request_sent: words(),
  },
  (table) => [
    uniqueIndex('post_action_runs_once').on(table.binding_id, table.source_run_id),
    index('post_action_runs_action').on(table.post_action_id, table.triggered_at),
    index('post_action_runs_completed').on(table.completed_at),
    index('post_action_runs_open').on(table.next_attempt_at).where(sql`status in ('pending', 'retrying')`),
  ],
);
