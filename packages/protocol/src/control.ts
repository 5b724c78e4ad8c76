import { z } from 'zod';
import { budgetStateSchema } from './budget.ts';
import { agentActivitySchema } from './payloads.ts';

/**
 * Requests to a running agent over core NATS (`control.<agent>`), answered at once.
 * `interrupt` ends the running turn (answered as interrupted, the queue goes on);
 * `shutdown` ends it too, and the CLI; the sidecar takes no more messages and waits for its runtime to end it;
 * `budget` tells it what it and its team may spend and have spent.
 */
export const controlRequestSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('interrupt'), reason: z.string().max(500).optional() }),
  z.object({ type: z.literal('shutdown'), reason: z.string().max(500).optional() }),
  z.object({ type: z.literal('status') }),
  z.object({ type: z.literal('budget'), budget: budgetStateSchema }),
]);
export type ControlRequest = z.infer<typeof controlRequestSchema>;

export const controlResponseSchema = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  activity: agentActivitySchema.optional(),
  /** The message whose turn runs now. */
  current_message_id: z.string().optional(),
  session_id: z.string().optional(),
});
export type ControlResponse = z.infer<typeof controlResponseSchema>;
