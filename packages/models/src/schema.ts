import type { ApprovalScope, ApprovalStatus, Budget, Envelope, MessageType } from '@agentcrew/protocol';
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { json, now, orgId, usageColumns, uuid, words } from './columns.ts';
import type { ContainerStatus, Delivery, McpServer, McpStatus, SkillStatus, TeamStatus } from './values.ts';

export const teams = sqliteTable(
  'teams',
  {
    id: uuid(),
    org_id: orgId(),
    name: text().notNull(),
    /** Name of the team's resources; fixed at creation. */
    slug: text().notNull(),
    description: words(),
    status: text().$type<TeamStatus>().notNull().default('stopped'),
    status_message: words(),
    runtime: text().notNull(),
    provider: text().notNull().default('claude'),
    model_provider: words(),
    workspace_path: words(),
    agent_image: words(),
    mcp_servers: json().$type<McpServer[]>(),
    mcp_statuses: json().$type<McpStatus[]>(),
    /** Password of the team's NATS user: sealed in the file, plain in rows. */
    nats_token: text().notNull(),
    /** When a stop was asked for that is not finished: the next server finishes it. */
    stop_requested_at: integer({ mode: 'timestamp_ms' }),
    budget: json().$type<Budget>(),
    ...usageColumns(),
    created_at: now(),
    updated_at: now(),
  },
  (table) => [
    uniqueIndex('teams_org_name').on(table.org_id, table.name),
    uniqueIndex('teams_slug').on(sql`${table.slug} collate nocase`),
  ],
);

export const agents = sqliteTable(
  'agents',
  {
    id: uuid(),
    org_id: orgId(),
    team_id: text()
      .notNull()
      .references(() => teams.id, { onDelete: 'cascade' }),
    name: text().notNull(),
    /** Name of the agent's resources; fixed at creation. */
    slug: text().notNull(),
    role: text().$type<'leader' | 'worker'>().notNull().default('worker'),
    specialty: words(),
    system_prompt: words(),
    instructions_md: words(),
    skills: json().$type<unknown>(),
    permissions: json().$type<unknown>(),
    resources: json().$type<unknown>(),
    container_id: words(),
    container_status: text().$type<ContainerStatus>().notNull().default('stopped'),
    sub_agent_description: words(),
    sub_agent_instructions: words(),
    sub_agent_model: text().notNull().default('inherit'),
    sub_agent_skills: json().$type<unknown>(),
    skill_statuses: json().$type<SkillStatus[]>(),
    /** Of this agent alone, besides those of its team; values of `env` and `headers` are sealed. */
    mcp_servers: json().$type<McpServer[]>(),
    budget: json().$type<Budget>(),
    ...usageColumns(),
    created_at: now(),
    updated_at: now(),
  },
  (table) => [
    uniqueIndex('agents_team_name').on(table.team_id, sql`lower(${table.name})`),
    uniqueIndex('agents_team_slug').on(table.team_id, sql`${table.slug} collate nocase`),
  ],
);

/** Of messages that tell what an agent does; all others are said to somebody. */
export const isActivity = sql`message_type in ('activity_event', 'status_update')`;

export const messages = sqliteTable(
  'messages',
  {
    /** Grows by insertion and is never used again: the cursor of REST and WebSocket clients. */
    seq: integer().primaryKey({ autoIncrement: true }),
    id: text()
      .notNull()
      .unique()
      .$defaultFn(() => crypto.randomUUID()),
    team_id: text()
      .notNull()
      .references(() => teams.id, { onDelete: 'cascade' }),
    message_id: text().notNull().unique(),
    from_agent: text().notNull(),
    to_agent: text().notNull(),
    /** The agent that is to answer a message of this server's, whoever leads by then; null for what others sent. */
    addressee_id: text(),
    message_type: text().$type<MessageType>().notNull(),
    payload: json().$type<Record<string, unknown>>().notNull(),
    ref_message_id: text(),
    context: json().$type<NonNullable<Envelope['context']>>(),
    /** How far a message that this server is to send has come; null for what others sent. */
    delivery: text().$type<Delivery>(),
    sent_at: integer({ mode: 'timestamp_ms' }),
    /** Why nobody waits for the reply any more: its turn is to be ended, or never begun. */
    cancel_reason: text(),
    /** The client's own key for a chat message: a repeated call is the same message. */
    idempotency_key: text(),
    created_at: now(),
  },
  (table) => [
    uniqueIndex('messages_idempotency')
      .on(table.team_id, table.idempotency_key)
      .where(sql`idempotency_key is not null`),
    index('messages_team_seq').on(table.team_id, table.seq),
    index('messages_team_created').on(table.team_id, table.created_at),
    index('messages_team_type_seq').on(table.team_id, table.message_type, table.seq),
    index('messages_activity_created').on(table.created_at).where(isActivity),
    index('messages_delivery').on(table.delivery, table.team_id, table.seq).where(sql`delivery is not null`),
  ],
);

/** What agents ask a person. The rows of a team that is stopped stay; none of them is pending. */
export const approvals = sqliteTable(
  'approvals',
  {
    /** The `approval_id` that the agent gave it. */
    id: uuid(),
    team_id: text()
      .notNull()
      .references(() => teams.id, { onDelete: 'cascade' }),
    /** Slug of the agent that waits. */
    agent: text().notNull(),
    /** The message whose turn waits. */
    message_id: text(),
    type: text().$type<'tool' | 'question'>().notNull(),
    tool: text().notNull(),
    input: json().$type<Record<string, unknown>>().notNull(),
    questions: json().$type<unknown[]>(),
    reason: words(),
    status: text().$type<ApprovalStatus>().notNull().default('pending'),
    scope: text().$type<ApprovalScope>(),
    /** Of the person who decided, or why nobody did. */
    message: words(),
    updated_input: json().$type<Record<string, unknown>>(),
    created_at: now(),
    expires_at: integer({ mode: 'timestamp_ms' }).notNull(),
    decided_at: integer({ mode: 'timestamp_ms' }),
    /** When the agent has got the decision. */
    delivered_at: integer({ mode: 'timestamp_ms' }),
  },
  (table) => [
    index('approvals_team_created').on(table.team_id, table.created_at),
    index('approvals_open').on(table.team_id).where(sql`delivered_at is null`),
  ],
);

/** What each agent used on each day (UTC). The rows outlive their team and agent: what was spent was spent. */
export const usageDays = sqliteTable(
  'usage_days',
  {
    /** `YYYY-MM-DD`. */
    day: text().notNull(),
    org_id: orgId(),
    team_id: text().notNull(),
    agent_id: text().notNull(),
    /** Names as of that day. */
    team: text().notNull(),
    agent: text().notNull(),
    ...usageColumns(),
  },
  (table) => [
    primaryKey({ columns: [table.day, table.agent_id] }),
    index('usage_days_org').on(table.org_id, table.day),
  ],
);

export const settings = sqliteTable(
  'settings',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    org_id: orgId(),
    key: text().notNull(),
    /** Sealed in the file, always; plain in rows. */
    value: text().notNull(),
    is_secret: integer({ mode: 'boolean' }).notNull().default(false),
    updated_at: now(),
  },
  (table) => [uniqueIndex('settings_org_key').on(table.org_id, table.key)],
);
