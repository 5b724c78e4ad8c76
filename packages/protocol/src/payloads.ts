import { z } from 'zod';
import { spentSchema } from './budget.ts';
import { usageSchema } from './usage.ts';

/** `user_message` and `task_assignment`: what an agent is to work on. */
export const inputPayloadSchema = z.looseObject({ content: z.string().min(1) });

/**
 * `leader_response` and `task_result`: the end of a turn. A client shows `result`, or else `error`.
 * `interrupted` means that a person ended the turn; `failed` that it could not be done, and `error` says why.
 */
export const replyPayloadSchema = z.looseObject({
  status: z.enum(['completed', 'failed', 'interrupted']),
  result: z.string().optional(),
  error: z.string().optional(),
  /** An ErrorCode, for `failed` and `interrupted`. */
  code: z.string().optional(),
  usage: usageSchema.optional(),
  /** US dollars of this turn. */
  cost_usd: z.number().nonnegative().optional(),
  duration_ms: z.number().nonnegative().optional(),
  /** The Claude session the turn ran in. */
  session_id: z.string().optional(),
});
export type ReplyPayload = z.infer<typeof replyPayloadSchema>;

/** `activity_event`: one thing an agent did, as the frontend's live feed renders it. */
export const activityPayloadSchema = z.looseObject({
  event_type: z.enum(['tool_use', 'assistant', 'reasoning', 'tool_result', 'error', 'system']),
  agent_name: z.string(),
  tool_name: z.string().optional(),
  /** One line for a person. */
  action: z.string(),
  payload: z.unknown(),
  timestamp: z.iso.datetime(),
});
export type ActivityPayload = z.infer<typeof activityPayloadSchema>;

/** What an agent is doing; `status_update` carries it and the control request `status` answers it. */
export const agentActivitySchema = z.enum([
  'starting',
  'idle',
  'working',
  'waiting_for_approval',
  'parked',
  'stopping',
]);
export type AgentActivity = z.infer<typeof agentActivitySchema>;

/** `status_update`: an agent's activity changed, or what it has spent. */
export const statusPayloadSchema = z.looseObject({
  activity: agentActivitySchema,
  detail: z.string().optional(),
  /** All that the agent has spent, the running turn included; told while its team has a budget. */
  spent: spentSchema.optional(),
});
export type StatusPayload = z.infer<typeof statusPayloadSchema>;
