import type { apiKeys, invites, organizations, refreshTokens, users } from './accounts-schema.ts';
import type {
  postActionBindings,
  postActionRuns,
  postActions,
  scheduleRuns,
  schedules,
  webhookRuns,
  webhooks,
} from './automation-schema.ts';
import type { agents, approvals, messages, settings, teams, usageDays } from './schema.ts';

type UsageColumn =
  | 'input_tokens'
  | 'output_tokens'
  | 'cache_creation_input_tokens'
  | 'cache_read_input_tokens'
  | 'cost_usd'
  | 'turns';
type Kept = 'created_at' | 'updated_at' | UsageColumn;

export type TeamRow = typeof teams.$inferSelect;
/** What a new team needs (`name`, `slug`, `runtime`, `nats_token`) and may have; the rest has defaults. */
export type NewTeam = Omit<typeof teams.$inferInsert, Kept>;
/** What of a team may change; absent and undefined fields stay. */
export type TeamPatch = Partial<Omit<NewTeam, 'id' | 'org_id' | 'slug' | 'status' | 'status_message'>>;

export type AgentRow = typeof agents.$inferSelect;
/** What a new agent needs (`team_id`, `name`, `slug`) and may have; the rest has defaults. */
export type NewAgent = Omit<typeof agents.$inferInsert, Kept>;
/** What of an agent may change; absent and undefined fields stay. */
export type AgentPatch = Partial<Omit<NewAgent, 'id' | 'org_id' | 'team_id' | 'slug'>>;

export type MessageRow = typeof messages.$inferSelect;
/** A message to store; `seq`, and `created_at` (the time of insertion), are the database's. */
export type NewMessage = Omit<typeof messages.$inferInsert, 'seq' | 'created_at' | 'sent_at'>;

/** A setting; `value` is plain, and empty when it cannot be decrypted. */
export type SettingRow = typeof settings.$inferSelect;

export type ApprovalRow = typeof approvals.$inferSelect;
/** What an agent asks, still without an answer. */
export type NewApproval = Pick<
  typeof approvals.$inferInsert,
  'team_id' | 'agent' | 'message_id' | 'type' | 'tool' | 'input' | 'questions' | 'reason' | 'expires_at'
> & { id: string };

/** What one agent used on one day. */
export type UsageDayRow = typeof usageDays.$inferSelect;

export type OrganizationRow = typeof organizations.$inferSelect;
export type UserRow = typeof users.$inferSelect;
export type RefreshTokenRow = typeof refreshTokens.$inferSelect;
export type ApiKeyRow = typeof apiKeys.$inferSelect;
export type InviteRow = typeof invites.$inferSelect;

export type ScheduleRow = typeof schedules.$inferSelect;
export type ScheduleRunRow = typeof scheduleRuns.$inferSelect;
export type WebhookRow = typeof webhooks.$inferSelect;
export type WebhookRunRow = typeof webhookRuns.$inferSelect;
export type PostActionRow = typeof postActions.$inferSelect;
/** An action with its secrets plain. */
export interface PostAction extends PostActionRow {
  /** Whether some were sealed with another key: they are empty. */
  unreadable: boolean;
}
/** What a new action needs (`name`, `url`) and may have; the rest has defaults. */
export type NewPostAction = Omit<typeof postActions.$inferInsert, Kept>;
/** What of an action may change; absent and undefined fields stay. */
export type PostActionPatch = Partial<Omit<NewPostAction, 'id' | 'org_id'>>;

export type PostActionBindingRow = typeof postActionBindings.$inferSelect;
export type NewPostActionBinding = Omit<typeof postActionBindings.$inferInsert, Kept>;
/** What of a binding may change; absent and undefined fields stay. */
export type PostActionBindingPatch = Partial<Omit<NewPostActionBinding, 'id' | 'post_action_id'>>;

export type PostActionRunRow = typeof postActionRuns.$inferSelect;
/** What is to be done because of the end of a run. */
export type NewPostActionRun = Pick<
  typeof postActionRuns.$inferInsert,
  'post_action_id' | 'binding_id' | 'source_type' | 'source_run_id' | 'placeholders'
>;
