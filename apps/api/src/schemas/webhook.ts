import { type AgentRow, runStatuses, type TeamRow, type WebhookRow, type WebhookRunRow } from '@agentcrew/models';
import { z } from 'zod';
import { maxPromptBytes } from '../crew/runs/webhooks.ts';
import { textOf, timestampSchema } from './common.ts';
import { runFields, runFieldsJson, triggerNameSchema, triggerTeamJson, triggerTeamSchema } from './trigger.ts';

const webhookFields = {
  name: triggerNameSchema,
  prompt_template: textOf(maxPromptBytes)
    .refine((text) => text.trim() !== '', 'is required')
    .describe('`{{key}}` stands for the variable of that name'),
  timeout_seconds: z.int().min(1).max(86_400).describe('A run that takes longer is ended'),
  max_concurrent: z.int().min(1).max(1000).describe('Runs at once; more are refused with 429'),
  enabled: z.boolean(),
};

const signingSecretSchema = z
  .string()
  .max(255)
  .refine((text) => text === '' || text.length >= 8, 'must be at least 8 characters long')
  .describe('Calls then need a signature of their body in `X-Signature-256`; empty: none. Never shown')
  .optional();

const teamIdSchema = z.string().min(1, 'is required').describe('The team whose leader gets the prompt');

export const newWebhookSchema = z
  .object({
    ...webhookFields,
    team_id: teamIdSchema,
    timeout_seconds: webhookFields.timeout_seconds.default(3600),
    max_concurrent: webhookFields.max_concurrent.default(1),
    enabled: webhookFields.enabled.default(true),
    signing_secret: signingSecretSchema,
  })
  .meta({ id: 'NewWebhook' });

export const webhookPatchSchema = z
  .object({ ...webhookFields, signing_secret: signingSecretSchema })
  .partial()
  .meta({ id: 'WebhookPatch' });

export const webhookSchema = z
  .object({
    id: z.string(),
    org_id: z.string(),
    team_id: teamIdSchema,
    ...webhookFields,
    secret_prefix: z.string().describe('The beginning of the token, to tell tokens apart'),
    has_signing_secret: z.boolean(),
    last_triggered_at: timestampSchema.nullable(),
    status: z.enum(['idle', 'running']),
    created_at: timestampSchema,
    updated_at: timestampSchema,
    team: triggerTeamSchema,
  })
  .meta({ id: 'Webhook' });

export const webhookWithTokenSchema = z
  .object({ webhook: webhookSchema, token: z.string().describe('Shown this once: keep it') })
  .meta({ id: 'WebhookWithToken' });

export function webhookJson(
  { token_hash: _, signing_secret, ...row }: WebhookRow,
  team: TeamRow,
  agents: AgentRow[],
): z.infer<typeof webhookSchema> {
  return {
    ...row,
    has_signing_secret: signing_secret !== null,
    last_triggered_at: row.last_triggered_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    team: triggerTeamJson(team, agents),
  };
}

export const webhookRunSchema = z
  .object({
    id: z.string(),
    webhook_id: z.string(),
    status: z.enum(runStatuses),
    ...runFields,
    request_payload: z.string().describe('The variables of the call, as JSON'),
    caller_ip: z.string(),
  })
  .meta({ id: 'WebhookRun' });

export function webhookRunJson(row: WebhookRunRow): z.infer<typeof webhookRunSchema> {
  const { id, webhook_id, status, request_payload, caller_ip } = row;
  return { id, webhook_id, status, ...runFieldsJson(row), request_payload, caller_ip };
}

export const webhookCallSchema = z
  .object({
    variables: z
      .record(z.string().max(1_000), z.string().max(10_000))
      .refine((variables) => Object.keys(variables).length <= 50, 'must be at most 50')
      .describe('At most 50')
      .optional(),
  })
  .meta({ id: 'WebhookCall' });

export const webhookAnswerSchema = z
  .object({
    run_id: z.string(),
    status: z.enum(runStatuses),
    response: z.string().optional(),
    error: z.string().optional(),
    duration_ms: z.int().optional(),
  })
  .meta({ id: 'WebhookAnswer' });
