import {
  authTypes,
  httpMethods,
  type Numbered,
  type NumberedPage,
  type ScheduleRunRow,
  type TeamRow,
  type TriggerBinding,
  triggerOns,
  triggerTypes,
  type WebhookRunRow,
} from '@agentcrew/models';
import { z } from 'zod';
import { timestampSchema } from './common.ts';
import { mask } from './setting.ts';
import { teamJson, teamSchema } from './team.ts';

export const triggerNameSchema = z
  .string()
  .refine((text) => text.trim() !== '', 'is required')
  .max(255);

/** The team of a schedule or a webhook; its agents are left out. */
export const triggerTeamSchema = teamSchema.omit({ agents: true }).meta({ id: 'TriggerTeam' });

export function triggerTeamJson(team: TeamRow): z.infer<typeof triggerTeamSchema> {
  const { agents: _, ...rest } = teamJson(team, []);
  return rest;
}

/** Fields of every run. */
export const runFields = {
  started_at: timestampSchema,
  finished_at: timestampSchema.nullable(),
  error: z.string().describe('Why it failed, took too long or was skipped'),
  prompt_sent: z.string(),
  response_received: z.string(),
  message_id: z.string().nullable().describe('The message that it has sent; its reply carries it as `ref_message_id`'),
};

/** A run's columns that are the same for every trigger, as JSON. */
export function runFieldsJson(row: ScheduleRunRow | WebhookRunRow) {
  const { error, prompt_sent, response_received, message_id } = row;
  const [started_at, finished_at] = [row.started_at.toISOString(), row.finished_at?.toISOString() ?? null];
  return { started_at, finished_at, error, prompt_sent, response_received, message_id };
}

/** A whole number within bounds; whatever else is asked for counts as the default. */
function numberWithin(max: number, fallback: number) {
  return z
    .string()
    .transform((text) => {
      const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
      return number >= 1 && number <= max ? number : fallback;
    })
    .prefault(String(fallback));
}

export const pageQuery = z.object({ page: numberWithin(1_000_000, 1), per_page: numberWithin(100, 20) });

/** A page of runs, newest first. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), total: z.int(), page: z.int(), per_page: z.int() });
}

export function pageJson<Row, Json>(
  { rows, total }: Numbered<Row>,
  { page, perPage }: NumberedPage,
  json: (row: Row) => Json,
) {
  return { data: rows.map(json), total, page, per_page: perPage };
}

/** A post-action that follows the runs of a trigger. */
export const triggerBindingSchema = z
  .object({
    id: z.string(),
    post_action_id: z.string(),
    trigger_type: z.enum(triggerTypes),
    trigger_id: z.string(),
    trigger_name: z.string(),
    trigger_on: z.enum(triggerOns),
    body_override: z.string().nullable(),
    enabled: z.boolean(),
    created_at: timestampSchema,
    post_action: z.object({
      id: z.string(),
      org_id: z.string(),
      name: z.string(),
      description: z.string(),
      method: z.enum(httpMethods),
      url: z.string(),
      headers: z.record(z.string(), z.string()).nullable(),
      body_template: z.string(),
      auth_type: z.enum(authTypes),
      auth_config: z.record(z.string(), z.string()).nullable().describe(`Every value is \`${mask}\``),
      timeout_seconds: z.int(),
      retry_count: z.int(),
      enabled: z.boolean(),
      created_at: timestampSchema,
      updated_at: timestampSchema,
    }),
  })
  .meta({ id: 'TriggerBinding' });

export function triggerBindingJson(triggerName: string) {
  return ({ binding, post_action }: TriggerBinding): z.infer<typeof triggerBindingSchema> => {
    const { auth_config, created_at, updated_at } = post_action;
    const masked = auth_config && Object.fromEntries(Object.keys(auth_config).map((key) => [key, mask]));
    return {
      ...binding,
      trigger_name: triggerName,
      created_at: binding.created_at.toISOString(),
      post_action: {
        ...post_action,
        auth_config: masked,
        created_at: created_at.toISOString(),
        updated_at: updated_at.toISOString(),
      },
    };
  };
}
