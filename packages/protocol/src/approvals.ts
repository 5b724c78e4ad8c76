import { z } from 'zod';

/** What became of an approval. `cancelled`: nobody waits for it any more. Only `allowed` lets the call run. */
export const approvalStatuses = ['pending', 'allowed', 'denied', 'expired', 'cancelled'] as const;
export type ApprovalStatus = (typeof approvalStatuses)[number];

/** How far an answer reaches: this call, calls like it in this Claude session, or all calls like it of this agent. */
export const approvalScopes = ['once', 'session', 'always'] as const;
export type ApprovalScope = (typeof approvalScopes)[number];

/** A question that Claude asks the user (its tool `AskUserQuestion`). */
export const questionSchema = z.looseObject({
  question: z.string(),
  header: z.string().optional(),
  options: z.array(z.looseObject({ label: z.string(), description: z.string().optional() })).default([]),
  multiSelect: z.boolean().default(false),
});

/** `approval_request`: an agent waits for a person. `ref_message_id` of the envelope is the message it works on. */
export const approvalRequestPayloadSchema = z.looseObject({
  approval_id: z.uuid(),
  /** `tool`: may this call run? `question`: an answer is asked for. */
  type: z.enum(['tool', 'question']),
  tool: z.string(),
  /** The tool's input, as it would run. */
  input: z.record(z.string(), z.unknown()),
  /** Why a person is asked, in words. */
  reason: z.string(),
  questions: z.array(questionSchema).optional(),
  /** Without an answer by then the call is denied. */
  expires_at: z.iso.datetime(),
});
export type ApprovalRequestPayload = z.infer<typeof approvalRequestPayloadSchema>;

/** `approval_decision`: an approval is not pending any more. `ref_message_id` of the envelope is its `approval_id`. */
export const approvalDecisionPayloadSchema = z.looseObject({
  approval_id: z.uuid(),
  status: z.enum(approvalStatuses).exclude(['pending']),
  scope: z.enum(approvalScopes).optional(),
  /** Why, in words. */
  message: z.string().optional(),
});
export type ApprovalDecisionPayload = z.infer<typeof approvalDecisionPayloadSchema>;

/** A person's answer, on its way to the agent that waits. */
export const approvalAnswerSchema = z.object({
  approval_id: z.uuid(),
  decision: z.enum(['allow', 'deny']),
  scope: z.enum(approvalScopes).default('once'),
  /** Told to the agent, when denied. */
  message: z.string().max(2_000).optional(),
  /** Takes the place of the tool's input. Answers to questions are in its `answers`. */
  updated_input: z.record(z.string(), z.unknown()).optional(),
});
export type ApprovalAnswer = z.infer<typeof approvalAnswerSchema>;
