import { z } from 'zod';

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
