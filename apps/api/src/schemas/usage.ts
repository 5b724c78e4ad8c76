import type { UsageDayRow } from '@agentcrew/models';
import { z } from 'zod';
import { usageTotals, usageTotalsSchema } from './common.ts';

const daySchema = z.iso.date('must be a day such as 2026-01-31');

export const usageQuery = z.object({
  from: daySchema.optional().describe('First day, `YYYY-MM-DD`'),
  to: daySchema.optional().describe('Last day, default today'),
  team_id: z.string().max(128).optional(),
});

const rowSchema = z
  .object({
    day: daySchema,
    team_id: z.string(),
    team: z.string().describe('Name of the team on that day'),
    agent_id: z.string(),
    agent: z.string(),
    usage: usageTotalsSchema,
  })
  .meta({ id: 'UsageDay' });

export const usageSchema = z
  .object({
    from: daySchema,
    to: daySchema,
    total: usageTotalsSchema,
    days: z.array(rowSchema).describe('One row for each agent on each day it worked, oldest first'),
  })
  .meta({ id: 'Usage' });

/** The rows as clients see them, and their sum. */
export function sumUp(rows: UsageDayRow[]): Pick<z.infer<typeof usageSchema>, 'total' | 'days'> {
  const sum = (column: keyof z.infer<typeof usageTotalsSchema>) => rows.reduce((total, row) => total + row[column], 0);
  return {
    total: {
      input_tokens: sum('input_tokens'),
      output_tokens: sum('output_tokens'),
      cache_creation_input_tokens: sum('cache_creation_input_tokens'),
      cache_read_input_tokens: sum('cache_read_input_tokens'),
      cost_usd: sum('cost_usd'),
      turns: sum('turns'),
    },
    days: rows.map((row) => ({
      day: row.day,
      team_id: row.team_id,
      team: row.team,
      agent_id: row.agent_id,
      agent: row.agent,
      usage: usageTotals(row),
    })),
  };
}
