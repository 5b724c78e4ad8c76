import { namePattern, nameRule } from '@agentcrew/protocol';
import { z } from 'zod';

/** RFC 3339, UTC, milliseconds. */
export const timestampSchema = z.iso.datetime();

/**
 * Rules are worded as the end of a sentence that begins with the field: `name` + `is required`. The frontend
 * translates some of these sentences.
 */
export const nameSchema = z
  .string()
  .refine((text) => text.trim() !== '', { error: 'is required', abort: true })
  .regex(namePattern, nameRule);

/** Text of at most so many bytes of UTF-8. */
export function textOf(maxBytes: number) {
  return z.string().refine((text) => Buffer.byteLength(text) <= maxBytes, `must be at most ${maxBytes} bytes long`);
}

/** Characters with a meaning to shells: none of them belongs into an image name, a command or an argument. */
const shellCharacters = /[;|&$`\\"'<>(){}!]/;

export function withoutShellCharacters(text: string): boolean {
  return !shellCharacters.test(text);
}

export const shellRule = 'must not contain shell characters';

/** A parameter of a query that is on or off. Absent is off. */
export const flagSchema = z
  .enum(['0', '1', 'true', 'false'])
  .default('false')
  .transform((text) => text === 'true' || text === '1');

export const idempotencyKeyHeader = 'idempotency-key';
/** What a client calls its request, so that it can send it again. */
export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable characters')
  .optional();

export const teamParams = z.object({ id: z.string() });
export const agentParams = z.object({ id: z.string(), agentId: z.string() });

/** Every answer that is not a success. */
export const errorSchema = z
  .object({
    error: z.string().describe('For a person'),
    code: z.string().describe('For a program'),
    details: z.unknown().optional(),
    request_id: z.string(),
  })
  .meta({ id: 'Error' });

/** The error answers of a route, for its documentation. */
export function errors<const Statuses extends number[]>(...statuses: Statuses) {
  return Object.fromEntries(statuses.map((status) => [status, errorSchema])) as Record<
    Statuses[number],
    typeof errorSchema
  >;
}

/** What was spent, summed over all turns. */
export const usageTotalsSchema = z
  .object({
    input_tokens: z.int(),
    output_tokens: z.int(),
    cache_creation_input_tokens: z.int(),
    cache_read_input_tokens: z.int(),
    cost_usd: z.number().describe('US dollars, as the Claude Code CLI reckons them'),
    turns: z.int(),
  })
  .meta({ id: 'UsageTotals' });

type UsageTotals = z.infer<typeof usageTotalsSchema>;

export function usageTotals(row: UsageTotals): UsageTotals {
  return {
    input_tokens: row.input_tokens,
    output_tokens: row.output_tokens,
    cache_creation_input_tokens: row.cache_creation_input_tokens,
    cache_read_input_tokens: row.cache_read_input_tokens,
    cost_usd: row.cost_usd,
    turns: row.turns,
  };
}
