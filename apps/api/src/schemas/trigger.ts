import type { Numbered, NumberedPage, ScheduleRunRow, TeamRow, WebhookRunRow } from '@agentcrew/models';
import { z } from 'zod';
import { timestampSchema } from './common.ts';
import { teamJson, teamSchema } from './team.ts';

export const triggerNameSchema = z
  .string()
  .refine((text) => text.trim() !== '', 'is required')
  .max(255);

/** The team of a schedule or a webhook; its agents are left out. */
export const triggerTeamSchema = teamSchema.omit({ agents: true }).meta({ id: 'TriggerTeam' });

export function triggerTeamJson(team: TeamRow): z.infer<typeof triggerTeamSchema> {
  const { agents: _, ...rest } = teamJson(team, []);
  return rest;
}

/** Fields of every run. */
export const runFields = {
  started_at: timestampSchema,
  finished_at: timestampSchema.nullable(),
  error: z.string().describe('Why it failed, took too long or was skipped'),
  prompt_sent: z.string(),
  response_received: z.string(),
  message_id: z.string().nullable().describe('The message that it has sent; its reply carries it as `ref_message_id`'),
};

/** A run's columns that are the same for every trigger, as JSON. */
export function runFieldsJson(row: ScheduleRunRow | WebhookRunRow) {
  const { error, prompt_sent, response_received, message_id } = row;
  const [started_at, finished_at] = [row.started_at.toISOString(), row.finished_at?.toISOString() ?? null];
  return { started_at, finished_at, error, prompt_sent, response_received, message_id };
}

/** A whole number within bounds; whatever else is asked for counts as the default. */
function numberWithin(max: number, fallback: number) {
  return z
    .string()
    .transform((text) => {
      const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
      return number >= 1 && number <= max ? number : fallback;
    })
    .prefault(String(fallback));
}

export const pageQuery = z.object({ page: numberWithin(1_000_000, 1), per_page: numberWithin(100, 20) });

/** A page of runs, newest first. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), total: z.int(), page: z.int(), per_page: z.int() });
}

export function pageJson<Row, Json>(
  { rows, total }: Numbered<Row>,
  { page, perPage }: NumberedPage,
  json: (row: Row) => Json,
) {
  return { data: rows.map(json), total, page, per_page: perPage };
}
