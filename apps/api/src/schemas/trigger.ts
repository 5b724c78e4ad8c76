import type { AgentRow, Numbered, NumberedPage, ScheduleRunRow, TeamRow, WebhookRunRow } from '@agentcrew/models';
import { z } from 'zod';
import { timestampSchema } from './common.ts';
import { teamJson, teamSchema } from './team.ts';

export const triggerNameSchema = z
  .string()
  .refine((text) => text.trim() !== '', 'is required')
  .max(255);

/** The team of a schedule or a webhook; its agents are left out. */
export const triggerTeamSchema = teamSchema.omit({ agents: true }).meta({ id: 'TriggerTeam' });

export function triggerTeamJson(team: TeamRow, agents: AgentRow[]): z.infer<typeof triggerTeamSchema> {
  const { agents: _, ...rest } = teamJson(team, agents);
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

/** A page of runs as JSON. */
export function pageJson<Row, Json>(
  { rows, total }: Numbered<Row>,
  { page, perPage }: NumberedPage,
  json: (row: Row) => Json,
) {
  return { data: rows.map(json), total, page, per_page: perPage };
}
