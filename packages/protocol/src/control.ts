import { z } from 'zod';
import { agentActivitySchema } from './payloads.ts';

/**
 * Requests to a running agent over core NATS (`control.<agent>`), answered at once.
 * `interrupt` ends the running turn (answered as interrupted, the queue goes on); with `message_id` only the turn of
 * that message, which is not begun either when it comes later;
 * `shutdown` ends it too, and the CLI; the sidecar takes no more messages and waits for its runtime to end it.
 */
export const controlRequestSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('interrupt'),
    reason: z.string().max(500).optional(),
    message_id: z.string().max(128).optional(),
  }),
  z.object({ type: z.literal('shutdown'), reason: z.string().max(500).optional() }),
  z.object({ type: z.literal('status') }),
]);
export type ControlRequest = z.infer<typeof controlRequestSchema>;

export const controlResponseSchema = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  activity: agentActivitySchema.optional(),
  /** The message whose turn runs now. */
  current_message_id: z.string().optional(),
  session_id: z.string().optional(),
  /** Teammates whose answers the agent waits for. */
  waiting_for: z.array(z.string()).optional(),
});
export type ControlResponse = z.infer<typeof controlResponseSchema>;
