import { z } from 'zod';
import { longestChain } from './teamwork.ts';

/** Kinds of messages on a team's bus and in its log. */
export const messageTypes = [
  'user_message',
  'leader_response',
  'task_assignment',
  'task_result',
  'question',
  'context_share',
  'status_update',
  'activity_event',
  'approval_request',
  'approval_decision',
  'skill_status',
  'mcp_status',
  'container_validation',
  'system_command',
] as const;

export const messageTypeSchema = z.enum(messageTypes);
export type MessageType = z.infer<typeof messageTypeSchema>;

/** What travels on the bus. `message_id` is unique for ever: JetStream and the log both drop a second copy. */
export const envelopeSchema = z.object({
  message_id: z.string().min(1).max(128),
  /** Slug of the sending agent, or `user`. */
  from: z.string().min(1).max(64),
  /** Slug of the receiving agent, or `user`, or `system`. */
  to: z.string().min(1).max(64),
  type: messageTypeSchema,
  context: z
    .object({
      thread_id: z.string().max(128).optional(),
      /** Agents that wait for this answer, outermost first. */
      chain: z.array(z.string().max(64)).max(longestChain).optional(),
    })
    .optional(),
  /** The message this one answers. */
  ref_message_id: z.string().max(128).optional(),
  payload: z.record(z.string(), z.unknown()),
  /** RFC 3339, UTC. */
  timestamp: z.iso.datetime(),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** Reads an envelope off the wire; `undefined` when the bytes are not one. */
export function parseEnvelope(data: Uint8Array): Envelope | undefined {
  try {
    return envelopeSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)));
  } catch {
    return undefined;
  }
}
