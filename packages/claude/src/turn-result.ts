import type { Usage } from '@agentcrew/protocol';
import { z } from 'zod';
import type { TurnResult } from './claude.ts';

const count = z.int().nonnegative().catch(0);

const resultSchema = z.object({
  type: z.literal('result'),
  is_error: z.boolean(),
  result: z.string().nullish(),
  errors: z.array(z.string()).nullish(),
  terminal_reason: z.string().nullish(),
  api_error_status: z.number().nullish(),
  session_id: z.string(),
  duration_ms: z.number().catch(0),
  // Per model, of this turn with its subagents; `usage` has the main loop only, and `total_cost_usd` goes on from
  // the sessions resumed.
  model_usage_since_last_result: z
    .record(
      z.string(),
      z.object({
        inputTokens: count,
        outputTokens: count,
        cacheCreationInputTokens: count,
        cacheReadInputTokens: count,
        costUSD: z.number().nonnegative().catch(0),
      }),
    )
    .default({}),
  // Set for a turn that nobody asked for.
  origin: z.unknown().optional(),
});

/** Reads a `result` line. Undefined for any other line, and for the result of a turn that the CLI began by itself. */
export function toTurnResult(line: Record<string, unknown>): TurnResult | undefined {
  const parsed = resultSchema.safeParse(line).data;
  if (!parsed || parsed.origin) return undefined;
  const models = Object.values(parsed.model_usage_since_last_result);
  const sum = (value: (model: (typeof models)[number]) => number) =>
    models.reduce((total, model) => total + value(model), 0);
  const usage: Usage = {
    input_tokens: sum((model) => model.inputTokens),
    output_tokens: sum((model) => model.outputTokens),
    cache_creation_input_tokens: sum((model) => model.cacheCreationInputTokens),
    cache_read_input_tokens: sum((model) => model.cacheReadInputTokens),
  };
  const outcome = outcomeOf(parsed);
  // What the CLI notes about an interruption is for its own developers.
  const words = outcome === 'failed' ? parsed.errors?.join('\n') : undefined;
  return {
    outcome,
    text: parsed.result ?? words ?? '',
    usage,
    costUsd: sum((model) => model.costUSD),
    durationMs: parsed.duration_ms,
    sessionId: parsed.session_id,
    ...(typeof parsed.api_error_status === 'number' && { apiStatus: parsed.api_error_status }),
    ...(parsed.terminal_reason && { terminalReason: parsed.terminal_reason }),
  };
}

function outcomeOf(result: z.infer<typeof resultSchema>): TurnResult['outcome'] {
  if (result.terminal_reason?.startsWith('aborted')) return 'interrupted';
  return result.is_error ? 'failed' : 'completed';
}
