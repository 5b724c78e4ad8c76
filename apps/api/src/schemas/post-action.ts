import {
  authTypes,
  type BoundAction,
  httpMethods,
  type PostAction,
  type PostActionRunRow,
  triggerOns,
  triggerTypes,
} from '@agentcrew/models';
import { z } from 'zod';
import { mask } from '../crew/mask.ts';
import { urlProblem } from '../crew/post-actions/action-url.ts';
import { controlCharacters, headerNamePattern, isReservedHeader } from '../crew/post-actions/headers.ts';
import { maskedAuth, maskedHeaders } from '../crew/post-actions/kept-secrets.ts';
import { textOf, timestampSchema } from './common.ts';

const mapSchema = z.record(z.string(), z.string());
const template = textOf(65_536);

const headersSchema = z
  .record(
    z
      .string()
      .max(200)
      .regex(headerNamePattern, 'must be the name of a header')
      .refine((name) => !isReservedHeader(name), 'must not be one that HTTP itself needs'),
    textOf(8_192).refine((value) => !controlCharacters.test(value), 'must not contain control characters'),
  )
  .superRefine((headers, context) => {
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    if (names.length > 50) context.addIssue({ code: 'custom', message: 'must have at most 50 entries' });
    if (new Set(names).size < names.length) context.addIssue({ code: 'custom', message: 'must name each header once' });
  });

const urlSchema = z
  .string()
  .min(1, 'is required')
  .max(4_096)
  .superRefine((text, context) => {
    const message = urlProblem(text);
    if (message) context.addIssue({ code: 'custom', message });
  });

const fields = {
  name: textOf(255).refine((text) => text.trim() !== '', 'is required'),
  description: textOf(10_000).optional(),
  method: z.enum(httpMethods).optional(),
  url: urlSchema.describe('http or https; placeholders in path and query'),
  headers: headersSchema.optional().describe(`\`${mask}\` or an empty text keeps a secret one`),
  body_template: template.optional().describe('Placeholders are escaped when it looks like JSON'),
  auth_type: z.enum(authTypes).optional(),
  auth_config: z
    .record(z.string().max(100), textOf(8_192))
    .optional()
    .describe(
      `bearer: \`token\`; basic: \`username\`, \`password\`; header: \`header_name\`, \`header_value\`. \`${mask}\` or an empty text keeps what is stored`,
    ),
  timeout_seconds: z.int().min(1).max(300).optional().describe('For a whole attempt'),
  retry_count: z.int().min(0).max(5).optional().describe('Attempts after the first one'),
  enabled: z.boolean().optional(),
};

export const newPostActionSchema = z.object(fields).meta({ id: 'NewPostAction' });
export const postActionPatchSchema = z.object(fields).partial().meta({ id: 'PostActionPatch' });

const actionFields = {
  id: z.string(),
  org_id: z.string(),
  name: z.string(),
  description: z.string(),
  method: z.enum(httpMethods),
  url: z.string(),
  headers: mapSchema.nullable().describe(`Secret ones are shown as \`${mask}\``),
  body_template: z.string(),
  auth_type: z.enum(authTypes),
  auth_config: mapSchema.nullable().describe(`Secrets are shown as \`${mask}\``),
  timeout_seconds: z.int(),
  retry_count: z.int(),
  enabled: z.boolean(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
};

const postActionSchema = z.object(actionFields).meta({ id: 'PostAction' });

export const listedPostActionSchema = z
  .object({ ...actionFields, bindings_count: z.int() })
  .meta({ id: 'ListedPostAction' });

export const bindingSchema = z
  .object({
    id: z.string(),
    post_action_id: z.string(),
    trigger_type: z.enum(triggerTypes),
    trigger_id: z.string(),
    trigger_on: z.enum(triggerOns),
    body_override: z.string().optional().describe("Takes the place of the action's template"),
    enabled: z.boolean(),
    created_at: timestampSchema,
    post_action: postActionSchema,
    trigger_name: z.string(),
  })
  .meta({ id: 'PostActionBinding' });

export const postActionDetailSchema = z
  .object({ ...actionFields, bindings: z.array(bindingSchema) })
  .meta({ id: 'PostActionDetail' });

const bindingFields = {
  trigger_type: z.enum(triggerTypes),
  trigger_id: z.string().min(1, 'is required').max(100).describe('Of a schedule or webhook'),
  trigger_on: z.enum(triggerOns).optional().describe('`failure` is a timeout, too; default `any`'),
  body_override: template.optional().describe("Takes the place of the action's template; an empty one does not"),
  enabled: z.boolean().optional(),
};

export const newBindingSchema = z.object(bindingFields).meta({ id: 'NewPostActionBinding' });
export const bindingPatchSchema = z.object(bindingFields).partial().meta({ id: 'PostActionBindingPatch' });

export const postActionRunSchema = z
  .object({
    id: z.string().describe('Sent as `Idempotency-Key`'),
    post_action_id: z.string(),
    binding_id: z.string(),
    source_type: z.enum(triggerTypes),
    source_run_id: z.string(),
    triggered_at: timestampSchema,
    completed_at: timestampSchema.nullable(),
    status: z.enum(['success', 'failed', 'retrying']).describe('`retrying` as long as it is not done'),
    status_code: z.int().describe('0 without an answer'),
    response_body: z.string().describe('The first 4096 bytes'),
    error: z.string(),
    request_sent: z.string().describe('Without secrets'),
    attempts: z.int(),
    next_attempt_at: timestampSchema.nullable(),
  })
  .meta({ id: 'PostActionRun' });

export function postActionJson(row: PostAction): z.infer<typeof postActionSchema> {
  const { unreadable: _, ...action } = row;
  return {
    ...action,
    headers: maskedHeaders(row.headers),
    auth_config: maskedAuth(row.auth_config),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

/** A binding as its action's page, and that of its schedule or webhook, show it. */
export function bindingJson({ binding, action, trigger_name }: BoundAction): z.infer<typeof bindingSchema> {
  const { body_override, ...fields } = binding;
  return {
    ...fields,
    ...(body_override === null ? {} : { body_override }),
    created_at: binding.created_at.toISOString(),
    post_action: postActionJson(action),
    trigger_name,
  };
}

export function postActionRunJson(row: PostActionRunRow): z.infer<typeof postActionRunSchema> {
  const { placeholders: _, ...run } = row;
  return {
    ...run,
    status: row.status === 'pending' ? 'retrying' : row.status,
    triggered_at: row.triggered_at.toISOString(),
    completed_at: row.completed_at?.toISOString() ?? null,
    next_attempt_at: row.next_attempt_at?.toISOString() ?? null,
  };
}
