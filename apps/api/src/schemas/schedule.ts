import {
  type AgentRow,
  missedPolicies,
  runStatuses,
  type ScheduleRow,
  type ScheduleRunRow,
  type TeamRow,
} from '@agentcrew/models';
import { z } from 'zod';
import { maxPromptBytes } from '../crew/runs/webhooks.ts';
import { textOf, timestampSchema } from './common.ts';
import { runFields, runFieldsJson, triggerNameSchema, triggerTeamJson, triggerTeamSchema } from './trigger.ts';

const scheduleFields = {
  name: triggerNameSchema,
  team_id: z
    .string()
    .min(1, 'is required')
    .describe('The team whose leader gets the prompt; deployed when it does not run'),
  prompt: textOf(maxPromptBytes).refine((text) => text.trim() !== '', 'is required'),
  cron_expression: z
    .string()
    .min(1, 'is required')
    .max(255)
    .describe('Five fields: minute, hour, day of month, month, day of week; both days must match'),
  timezone: z.string().max(255).describe('IANA name, such as Europe/Berlin; empty: UTC'),
  enabled: z.boolean(),
  missed_policy: z
    .enum(missedPolicies)
    .describe('What becomes of runs that were due while the server was away: none, or one for all of them'),
};

export const newScheduleSchema = z
  .object({
    ...scheduleFields,
    timezone: scheduleFields.timezone.default('UTC'),
    enabled: scheduleFields.enabled.default(true),
    missed_policy: scheduleFields.missed_policy.default('skip'),
  })
  .meta({ id: 'NewSchedule' });

export const schedulePatchSchema = z.object(scheduleFields).partial().meta({ id: 'SchedulePatch' });

export const scheduleSchema = z
  .object({
    id: z.string(),
    org_id: z.string(),
    ...scheduleFields,
    status: z.enum(['idle', 'running', 'error']).describe('`error`: the server cannot read the expression any more'),
    last_run_at: timestampSchema.nullable(),
    next_run_at: timestampSchema.nullable().describe('null: it is switched off'),
    created_at: timestampSchema,
    updated_at: timestampSchema,
    team: triggerTeamSchema,
  })
  .meta({ id: 'Schedule' });

export function scheduleJson(row: ScheduleRow, team: TeamRow, agents: AgentRow[]): z.infer<typeof scheduleSchema> {
  return {
    ...row,
    last_run_at: row.last_run_at?.toISOString() ?? null,
    next_run_at: row.next_run_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    team: triggerTeamJson(team, agents),
  };
}

export const scheduleRunSchema = z
  .object({
    id: z.string(),
    schedule_id: z.string(),
    due_at: timestampSchema,
    team_deployment_id: z.string(),
    status: z.enum(runStatuses),
    ...runFields,
  })
  .meta({ id: 'ScheduleRun' });

export function scheduleRunJson(row: ScheduleRunRow): z.infer<typeof scheduleRunSchema> {
  const { id, schedule_id, team_deployment_id, status } = row;
  return { id, schedule_id, due_at: row.due_at.toISOString(), team_deployment_id, status, ...runFieldsJson(row) };
}
