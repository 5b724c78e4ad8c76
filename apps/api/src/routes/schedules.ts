import type { NewSchedule, SchedulePatch, ScheduleRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { readCron } from '../crew/runs/cron.ts';
import { goDuration } from '../duration.ts';
import { errors } from '../schemas/common.ts';
import {
  newScheduleSchema,
  scheduleJson,
  schedulePatchSchema,
  scheduleRunJson,
  scheduleRunSchema,
  scheduleSchema,
} from '../schemas/schedule.ts';
import { triggerRunRoutes } from './trigger-runs.ts';

const params = z.object({ id: z.string() });
const timing = ['cron_expression', 'timezone', 'enabled'] as const;

/** Schedules: prompts that a team gets by the clock. */
export async function scheduleRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { db, runs, scheduler } = crew;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['schedules'];

  function find({ params, identity }: Pick<FastifyRequest, 'params' | 'identity'>): ScheduleRow {
    const schedule = db.schedules.get((params as { id: string }).id);
    if (schedule?.org_id !== identity.org_id) throw new CrewError('SCHEDULE_NOT_FOUND', 'schedule not found');
    return schedule;
  }

  function teamOf(teamId: string, orgId: string) {
    const team = db.teams.get(teamId);
    if (team?.org_id !== orgId) throw new CrewError('INVALID_REQUEST', 'team not found');
    return team;
  }

  const full = (row: ScheduleRow) =>
    scheduleJson(row, teamOf(row.team_id, row.org_id), db.agents.listByTeam(row.team_id));

  /** Stores changes. What was due before them begins, or is noted as missed, by what the schedule was. */
  function change({ id }: ScheduleRow, patch: SchedulePatch): ScheduleRow {
    const isRetimed = patch.cron_expression !== undefined || patch.timezone !== undefined;
    // One that cannot be read any more may still be switched off.
    const nextOf = (wanted: ScheduleRow) => (wanted.enabled || isRetimed ? nextRunAt(wanted) : null);
    nextOf({ ...present(id), ...patch });
    scheduler.claim(id);
    const schedule = present(id);
    // Its run belongs to the team that it began with.
    if (schedule.status === 'running' && (patch.team_id ?? schedule.team_id) !== schedule.team_id) {
      throw new CrewError('SCHEDULE_RUNNING', 'the schedule is running; change its team when it has ended');
    }
    const wanted = { ...schedule, ...patch };
    const next = nextOf(wanted);
    const isAnother = timing.some((field) => wanted[field] !== schedule[field]) || schedule.next_run_at === null;
    const status = schedule.status === 'error' ? 'idle' : schedule.status;
    const changed = db.schedules.update(id, { ...patch, status, ...(isAnother && { next_run_at: next }) });
    scheduler.changed();
    return changed ?? present(id);
  }

  function present(id: string): ScheduleRow {
    const schedule = db.schedules.get(id);
    if (!schedule) throw new CrewError('SCHEDULE_NOT_FOUND', 'schedule not found');
    return schedule;
  }

  const one = { onRequest: async (request: FastifyRequest) => void find(request), schema: { tags, params } };

  routes.get(
    '/api/schedules/config',
    {
      schema: {
        tags,
        summary: 'How long the run of a schedule may take',
        response: { 200: z.object({ timeout: z.string() }) },
      },
    },
    async () => ({ timeout: goDuration(crew.scheduleTimeoutMs) }),
  );

  routes.get(
    '/api/schedules',
    { schema: { tags, summary: 'List schedules, newest first', response: { 200: z.array(scheduleSchema) } } },
    async ({ identity }) => db.schedules.list(identity.org_id).map(full),
  );

  routes.post(
    '/api/schedules',
    {
      schema: {
        tags,
        summary: 'Create a schedule',
        body: newScheduleSchema,
        response: { 201: scheduleSchema, ...errors(400) },
      },
    },
    async ({ body, identity }, reply) => {
      const { id: team_id } = teamOf(body.team_id, identity.org_id);
      const values = withZone(body);
      const next_run_at = nextRunAt(values);
      const schedule = db.schedules.insert({ ...values, team_id, org_id: identity.org_id, next_run_at });
      scheduler.changed();
      return reply.code(201).send(full(schedule));
    },
  );

  routes.get(
    '/api/schedules/:id',
    {
      ...one,
      schema: { ...one.schema, summary: 'Show a schedule', response: { 200: scheduleSchema, ...errors(404) } },
    },
    async (request) => full(find(request)),
  );

  routes.put(
    '/api/schedules/:id',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Change a schedule; absent fields stay',
        body: schedulePatchSchema,
        response: { 200: scheduleSchema, ...errors(400, 404, 409) },
      },
    },
    async (request) => {
      const schedule = find(request);
      const { team_id } = request.body;
      if (team_id !== undefined) teamOf(team_id, schedule.org_id);
      return full(change(schedule, withZone(request.body)));
    },
  );

  routes.delete(
    '/api/schedules/:id',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Delete a schedule with its runs; one that is under way is ended',
        response: { 204: z.undefined(), ...errors(404) },
      },
    },
    async (request, reply) => {
      const { id } = find(request);
      runs.cancel('schedule', id, 'The schedule was deleted.');
      db.schedules.delete(id);
      return reply.code(204).send();
    },
  );

  routes.patch(
    '/api/schedules/:id/toggle',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Switch a schedule on or off; a run that is under way goes on',
        response: { 200: scheduleSchema, ...errors(400, 404) },
      },
    },
    async (request) => {
      const schedule = find(request);
      return full(change(schedule, { enabled: !schedule.enabled }));
    },
  );

  triggerRunRoutes(app, {
    type: 'schedule',
    find,
    runs: db.schedules,
    schema: scheduleRunSchema,
    toJson: scheduleRunJson,
    pageName: 'ScheduleRuns',
    bindings: db.postActionBindings,
  });
}

/** An empty zone, as forms send it, is UTC. */
function withZone<T extends { timezone?: string | undefined }>(values: T): T {
  return values.timezone === '' ? { ...values, timezone: 'UTC' } : values;
}

/** Null while it is switched off. Throws INVALID_REQUEST for an expression that cannot be read or is never due. */
function nextRunAt(schedule: Pick<NewSchedule, 'cron_expression' | 'timezone' | 'enabled'>): Date | null {
  const next = readCron(schedule.cron_expression, schedule.timezone ?? 'UTC').next(new Date());
  if (!next) throw new CrewError('INVALID_REQUEST', 'cron_expression is for a date that never comes');
  return schedule.enabled === false ? null : next;
}
