import { z } from 'zod';
import type { Usage } from './usage.ts';

/**
 * What a team or an agent may spend, counted from its creation on; absent: no limit. `tokens` are those that the model
 * reads anew, writes to its cache and answers with, not those that it reads from its cache.
 */
export const budgetSchema = z
  .object({
    /** US dollars, as the CLI reckons them. */
    usd: z.number().positive().max(1_000_000).optional(),
    tokens: z.int().positive().max(1e12).optional(),
    turns: z.int().positive().max(1e9).optional(),
  })
  .meta({ id: 'Budget' });
export type Budget = z.infer<typeof budgetSchema>;

/** What was spent, in the units of a budget. */
export const spentSchema = z.object({
  usd: z.number().nonnegative(),
  tokens: z.int().nonnegative(),
  turns: z.int().nonnegative(),
});
export type Spent = z.infer<typeof spentSchema>;

export const nothingSpent: Spent = Object.freeze({ usd: 0, tokens: 0, turns: 0 });

/** What an agent has to know to keep within the budgets, its own and its team's. */
export const budgetStateSchema = z.object({
  agent: budgetSchema.optional(),
  team: budgetSchema.optional(),
  /** By this agent so far, as the server knows it. */
  spent: spentSchema,
  /** By the other agents of its team. */
  others: spentSchema,
});
export type BudgetState = z.infer<typeof budgetStateSchema>;

export function sumOf(a: Spent, b: Spent): Spent {
  return { usd: a.usd + b.usd, tokens: a.tokens + b.tokens, turns: a.turns + b.turns };
}

/** The larger of both in each unit: of two who count the same, neither may know all of it. */
export function atLeast(a: Spent, b: Spent): Spent {
  return { usd: Math.max(a.usd, b.usd), tokens: Math.max(a.tokens, b.tokens), turns: Math.max(a.turns, b.turns) };
}

/** What a turn costs of a budget. */
export function spentBy(usage: Usage | undefined, costUsd: number | undefined): Spent {
  const tokens = usage ? usage.input_tokens + usage.cache_creation_input_tokens + usage.output_tokens : 0;
  return { usd: costUsd ?? 0, tokens, turns: usage || costUsd ? 1 : 0 };
}

/** The first limit of a budget that is used up, in words; `undefined` when none is. */
export function usedUp(budget: Budget | undefined, spent: Spent): string | undefined {
  if (budget?.usd !== undefined && spent.usd >= budget.usd) return `$${spent.usd.toFixed(4)} of $${budget.usd}`;
  if (budget?.tokens !== undefined && spent.tokens >= budget.tokens)
    return `${spent.tokens} of ${budget.tokens} tokens`;
  if (budget?.turns !== undefined && spent.turns >= budget.turns) return `${spent.turns} of ${budget.turns} turns`;
  return undefined;
}
