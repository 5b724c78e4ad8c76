import type { MessageRow } from '@agentcrew/models';
import { messageTypes } from '@agentcrew/protocol';
import { z } from 'zod';
import { timestampSchema } from './common.ts';

export const messageSchema = z
  .object({
    seq: z.int().describe('Grows with every message of the server: the cursor of `after` and `since`'),
    id: z.string(),
    team_id: z.string(),
    message_id: z.string(),
    from_agent: z.string(),
    to_agent: z.string(),
    message_type: z.string(),
    payload: z.record(z.string(), z.unknown()),
    ref_message_id: z.string().nullable().describe('The message this one answers'),
    created_at: timestampSchema,
  })
  .meta({ id: 'Message' });

export type MessageJson = z.infer<typeof messageSchema>;

export function messageJson(row: MessageRow): MessageJson {
  const { seq, id, team_id, message_id, from_agent, to_agent, message_type, payload, ref_message_id } = row;
  const created_at = row.created_at.toISOString();
  return { seq, id, team_id, message_id, from_agent, to_agent, message_type, payload, ref_message_id, created_at };
}

const digits = /^\d{1,15}$/;

/** A `seq` in a query. */
export const cursorSchema = z.string().regex(digits, 'must be the seq of a message').transform(Number);

/** A moment (RFC 3339) or a `seq` in a query. */
const beforeSchema = z.union(
  [z.string().regex(digits).transform(Number), z.iso.datetime({ offset: true }).transform((text) => new Date(text))],
  { error: 'must be an RFC 3339 time or the seq of a message' },
);

const typesSchema = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((type) => type.trim())
      .filter((type) => type !== ''),
  )
  .pipe(z.array(z.enum(messageTypes, { error: `must be one of ${messageTypes.join(', ')}` })));

/** The query of a list of messages, newest first, or oldest first with `after`. */
export function listQuery(defaultLimit: number, maxLimit: number) {
  return z.object({
    limit: z
      .string()
      .regex(/^\d{1,6}$/, 'must be a whole number from 1')
      .transform(Number)
      .refine((limit) => limit >= 1, 'must be a whole number from 1')
      .transform((limit) => Math.min(limit, maxLimit))
      .prefault(String(defaultLimit)),
    before: beforeSchema.optional(),
    after: cursorSchema.optional(),
    types: typesSchema.optional(),
  });
}
