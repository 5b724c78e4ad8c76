import { z } from 'zod';
import { approvalAnswerSchema } from './approvals.ts';
import { budgetStateSchema } from './budget.ts';
import { fileAnswerSchema, fileRequestSchemas } from './files.ts';
import { agentMcpServersSchema } from './mcp.ts';
import { agentActivitySchema } from './payloads.ts';
import { skillSchema, wantedSkillsSchema } from './skills.ts';

/**
 * Requests to a running agent over core NATS (`control.<agent>`), answered at once where nothing else is said.
 * `interrupt` ends the running turn (answered as interrupted, the queue goes on); with `message_id` only the turn of
 * that message, which is not begun either when it comes later;
 * `shutdown` ends it too, and the CLI; the sidecar takes no more messages and waits for its runtime to end it;
 * `approval` is a person's answer, refused with the code APPROVAL_NOT_FOUND when nobody waits for it any more;
 * `budget` tells it what it and its team may spend and have spent;
 * `instructions` replaces the text appended to Claude's system prompt, and `mcp_servers` the MCP servers (with their
 * secrets), from the next turn on;
 * `skills` says which skills it is to have: it installs what is missing, and removes the others, in the background;
 * `install_skill` installs one, also again, and is answered when that has ended, with the installer's `output`.
 * Those about files are in `files.ts`.
 */
export const controlRequestSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('interrupt'),
    reason: z.string().max(500).optional(),
    message_id: z.string().max(128).optional(),
  }),
  z.object({ type: z.literal('shutdown'), reason: z.string().max(500).optional() }),
  z.object({ type: z.literal('status') }),
  z.object({ type: z.literal('approval'), ...approvalAnswerSchema.shape }),
  z.object({ type: z.literal('budget'), budget: budgetStateSchema }),
  z.object({ type: z.literal('instructions'), instructions: z.string() }),
  z.object({ type: z.literal('mcp_servers'), servers: agentMcpServersSchema }),
  z.object({ type: z.literal('skills'), skills: wantedSkillsSchema }),
  z.object({ type: z.literal('install_skill'), skill: skillSchema }),
  ...fileRequestSchemas,
]);
export type ControlRequest = z.infer<typeof controlRequestSchema>;

/** `window` is known from the end of the first turn on. */
export const contextUseSchema = z.object({
  tokens: z.int().nonnegative(),
  window: z.int().positive().optional(),
});
export type ContextUse = z.infer<typeof contextUseSchema>;

export const controlResponseSchema = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  /** An ErrorCode, where programs have to tell one refusal from another. */
  code: z.string().optional(),
  activity: agentActivitySchema.optional(),
  /** The message whose turn runs now. */
  current_message_id: z.string().optional(),
  session_id: z.string().optional(),
  turn_started_at: z.iso.datetime().optional(),
  /** How much of the model's context the conversation takes, as of its last request, in tokens. */
  context: contextUseSchema.optional(),
  /** When Claude Code printed something last. */
  last_activity_at: z.iso.datetime().optional(),
  /** What the installer of a skill printed. */
  output: z.string().optional(),
  /** Teammates whose answers the agent waits for. */
  waiting_for: z.array(z.string()).optional(),
  ...fileAnswerSchema.shape,
});
export type ControlResponse = z.infer<typeof controlResponseSchema>;
