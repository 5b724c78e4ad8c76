import type { Usage } from '@agentcrew/protocol';
import { type SQL, sql } from 'drizzle-orm';

/** What one turn used. */
export interface TurnUsage {
  usage: Usage;
  /** US dollars. */
  cost_usd: number;
}

/** The assignments that add one turn to the usage columns of a team or an agent. */
export function usageSums({ usage, cost_usd }: TurnUsage): Record<keyof Usage | 'cost_usd' | 'turns', SQL> {
  return {
    input_tokens: sql`input_tokens + ${usage.input_tokens}`,
    output_tokens: sql`output_tokens + ${usage.output_tokens}`,
    cache_creation_input_tokens: sql`cache_creation_input_tokens + ${usage.cache_creation_input_tokens}`,
    cache_read_input_tokens: sql`cache_read_input_tokens + ${usage.cache_read_input_tokens}`,
    cost_usd: sql`cost_usd + ${cost_usd}`,
    turns: sql`turns + 1`,
  };
}
