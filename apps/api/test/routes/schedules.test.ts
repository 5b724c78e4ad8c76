import { randomUUID } from 'node:crypto';
import { waitFor } from '@agentcrew/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { createFakeBuses } from '../support/fake-bus.ts';
import { storedTeam } from '../support/rows.ts';
import { promptOf, replyTo, storedSchedule } from '../support/runs.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const buses = createFakeBuses();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ connectBus: buses.connectBus });
});
afterEach(() => app.clear());
afterAll(() => app.close());

const valid = { name: 'nightly', prompt: 'What is new?', cron_expression: '30 2 * * *' };

async function create(values: Record<string, unknown> = {}) {
  const team_id = values.team_id ?? (await app.client.createTeam()).id;
  const { status, body, text } = await app.client.post('/api/schedules', { ...valid, team_id, ...values });
  if (status !== 201) throw new Error(`schedule not created: ${status} ${text}`);
  return body;
}

test('is created with what is given and sensible defaults', async () => {
  const team = await app.client.createTeam();
  const { agents: _, ...withoutAgents } = team;
  const schedule = await create({ team_id: team.id });
  expect(schedule).toEqual({
    ...valid,
    id: expect.any(String),
    org_id: team.org_id,
    team_id: team.id,
    timezone: 'UTC',
    enabled: true,
    missed_policy: 'skip',
    status: 'idle',
    last_run_at: null,
    next_run_at: expect.stringMatching(/T02:30:00\.000Z$/),
    created_at: expect.any(String),
    updated_at: expect.any(String),
    team: withoutAgents,
  });
  expect(Date.parse(schedule.next_run_at)).toBeGreaterThan(Date.now());
  expect((await app.client.get(`/api/schedules/${schedule.id}`)).body).toEqual(schedule);
  expect((await app.client.get('/api/schedules')).body).toEqual([schedule]);
});

test('may be created switched off, in a zone, with a policy', async () => {
  const values = { enabled: false, timezone: 'Europe/Berlin', missed_policy: 'once' };
  expect(await create(values)).toMatchObject({ ...values, next_run_at: null });
});

test('an empty zone is UTC', async () => {
  const schedule = await create({ timezone: '' });
  expect(schedule.timezone).toBe('UTC');
  const { body } = await app.client.put(`/api/schedules/${schedule.id}`, { timezone: '' });
  expect(body.timezone).toBe('UTC');
});

test.each([
  ['name', undefined, 'name is required'],
  ['name', '  ', 'name is required'],
  ['name', 'x'.repeat(256), 'name must be at most 255'],
  ['team_id', undefined, 'team_id is required'],
  ['team_id', randomUUID(), 'team not found'],
  ['prompt', undefined, 'prompt is required'],
  ['prompt', '', 'prompt is required'],
  ['prompt', 'ü'.repeat(25_001), 'prompt must be at most 50000 bytes long'],
  ['cron_expression', undefined, 'cron_expression is required'],
  ['cron_expression', '* * *', '5 fields'],
  ['cron_expression', '61 * * * *', 'cron_expression is not valid'],
  ['cron_expression', '0 0 30 2 *', 'never comes'],
  ['timezone', 'Mars/Phobos', 'IANA'],
  ['enabled', 'yes', 'enabled must be a boolean'],
  ['missed_policy', 'all', 'must be one of skip, once'],
])('with the %s %j is refused', async (field, value, message) => {
  const { id: team_id } = await app.client.createTeam();
  const body: Record<string, unknown> = { ...valid, team_id, [field]: value };
  const answer = await app.client.post('/api/schedules', body);
  expectError(answer, 400, 'INVALID_REQUEST');
  expect(answer.body.error).toContain(message);
  if (field === 'team_id' || value === undefined) return;
  const schedule = await create({ team_id });
  expectError(await app.client.put(`/api/schedules/${schedule.id}`, { [field]: value }), 400, 'INVALID_REQUEST');
  expect((await app.client.get(`/api/schedules/${schedule.id}`)).body).toEqual(schedule);
});

describe('a change', () => {
  test('leaves what is not named and reckons the next time anew', async () => {
    const schedule = await create();
    const { status, body } = await app.client.put(`/api/schedules/${schedule.id}`, {
      cron_expression: '0 12 * * *',
      timezone: 'Asia/Tokyo',
      name: null,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ name: 'nightly', next_run_at: expect.stringMatching(/T03:00:00\.000Z$/) });
  });

  test.each([
    ['of the name', (id: string) => app.client.put(`/api/schedules/${id}`, { name: 'daily' })],
    ['of the times', (id: string) => app.client.put(`/api/schedules/${id}`, { cron_expression: '0 0 1 1 *' })],
    ['by the toggle', (id: string) => app.client.patch(`/api/schedules/${id}/toggle`)],
  ])('%s comes after what was due before it', async (_what, change) => {
    const { id } = await create({ cron_expression: '* * * * *' });
    const thisMinute = Math.floor(Date.now() / 60_000) * 60_000;
    const due = [5, 4, 3].map((minutes) => new Date(thisMinute - minutes * 60_000));
    app.db.schedules.advance(id, { next_run_at: due[0] ?? null });
    const { status, body } = await change(id);
    expect(status).toBe(200);
    expect(body.next_run_at === null || Date.parse(body.next_run_at) > Date.now()).toBe(true);
    const runs = (await app.client.get(`/api/schedules/${id}/runs`)).body.data;
    const missed = runs.filter(({ due_at }: { due_at: string }) => Date.parse(due_at) <= thisMinute - 180_000);
    expect(missed.map(({ due_at, status }: { due_at: string; status: string }) => [due_at, status])).toEqual(
      due.toReversed().map((time) => [time.toISOString(), 'skipped']),
    );
    app.crew.runs.cancel('schedule', id, 'the test is over');
  });

  test('to another team needs one that exists, and waits for a running one', async () => {
    const schedule = await create();
    const { id: team_id } = await app.client.createTeam();
    expectError(
      await app.client.put(`/api/schedules/${schedule.id}`, { team_id: randomUUID() }),
      400,
      'INVALID_REQUEST',
    );
    app.db.schedules.advance(schedule.id, { status: 'running' });
    expectError(await app.client.put(`/api/schedules/${schedule.id}`, { team_id }), 409, 'SCHEDULE_RUNNING');
    app.db.schedules.advance(schedule.id, { status: 'idle' });
    const { body } = await app.client.put(`/api/schedules/${schedule.id}`, { team_id });
    expect(body).toMatchObject({ team_id, team: { id: team_id } });
  });

  test('by the toggle switches off and on', async () => {
    const { id } = await create();
    const toggle = () => app.client.patch(`/api/schedules/${id}/toggle`);
    expect(await toggle()).toMatchObject({ status: 200, body: { enabled: false, next_run_at: null } });
    expect(await toggle()).toMatchObject({ status: 200, body: { enabled: true, next_run_at: expect.any(String) } });
  });

  test('by the toggle switches off, and not on again, one that cannot be read', async () => {
    const { id } = await create();
    app.db.schedules.update(id, { cron_expression: 'x', status: 'error', next_run_at: null });
    const toggle = () => app.client.patch(`/api/schedules/${id}/toggle`);
    expect(await toggle()).toMatchObject({ status: 200, body: { enabled: false, next_run_at: null } });
    expectError(await toggle(), 400, 'INVALID_REQUEST', 'cron_expression');
  });

  test('mends one that could not be read', async () => {
    const { id } = await create();
    app.db.schedules.advance(id, { status: 'error', next_run_at: null });
    const { body } = await app.client.put(`/api/schedules/${id}`, { cron_expression: '* * * * *' });
    expect(body).toMatchObject({ status: 'idle', next_run_at: expect.any(String) });
  });
});

test('runs when it is due: deploys the team, shows the run, stops the team', async () => {
  const team = await app.client.createTeam();
  const { id } = await create({ team_id: team.id });
  const due = new Date(Math.floor(Date.now() / 60_000) * 60_000);
  app.db.schedules.advance(id, { next_run_at: due });
  await app.crew.scheduler.tick();
  const runs = async () => (await app.client.get(`/api/schedules/${id}/runs`)).body;
  const { data, ...page } = await runs();
  expect(page).toEqual({ total: 1, page: 1, per_page: 20 });
  const [run] = data;
  expect(run).toMatchObject({ schedule_id: id, status: 'running', due_at: due.toISOString(), finished_at: null });
  expect((await app.client.get(`/api/schedules/${id}`)).body).toMatchObject({ status: 'running' });
  const bus = buses.of(team.slug);
  const message = await promptOf(app.db, { type: 'schedule', id: run.id }, bus);
  await bus.deliver(replyTo(message, { result: 'Nothing.' }));
  await app.client.until(team.id, 'stopped');
  const { body } = await app.client.get(`/api/schedules/${id}/runs/${run.id}`);
  expect(body).toMatchObject({
    status: 'success',
    response_received: 'Nothing.',
    prompt_sent: valid.prompt,
    error: '',
  });
  expect(body.message_id).toBe(message.message_id);
  expect((await app.client.get(`/api/schedules/${id}`)).body).toMatchObject({
    status: 'idle',
    last_run_at: expect.any(String),
  });
});

test('a deleted one takes its runs along and ends the one that is under way', async () => {
  const team = await app.client.createTeam();
  const { id } = await create({ team_id: team.id });
  app.db.schedules.advance(id, { next_run_at: new Date(Date.now() - 1_000) });
  await app.crew.scheduler.tick();
  const [{ id: run }] = (await app.client.get(`/api/schedules/${id}/runs`)).body.data;
  await promptOf(app.db, { type: 'schedule', id: run }, buses.of(team.slug));
  expect(await app.client.delete(`/api/schedules/${id}`)).toMatchObject({ status: 204, text: '' });
  expectError(await app.client.get(`/api/schedules/${id}`), 404, 'SCHEDULE_NOT_FOUND');
  expectError(await app.client.delete(`/api/schedules/${id}`), 404, 'SCHEDULE_NOT_FOUND');
  await waitFor('the team to be stopped', async () => app.db.teams.get(team.id)?.status === 'stopped');
});

describe('the list of runs', () => {
  test('is in pages, newest first; strange numbers are the defaults', async () => {
    const { id } = await create();
    for (let minute = 0; minute < 25; minute += 1) {
      app.db.schedules.insertRun({ schedule_id: id, due_at: new Date(minute * 60_000), status: 'skipped', error: '' });
    }
    const page = async (query: string) => (await app.client.get(`/api/schedules/${id}/runs${query}`)).body;
    const first = await page('');
    expect(first).toMatchObject({ total: 25, page: 1, per_page: 20 });
    expect(first.data.map(({ due_at }: { due_at: string }) => Date.parse(due_at) / 60_000)).toEqual(
      Array.from({ length: 20 }, (_, index) => 24 - index),
    );
    expect((await page('?page=2')).data).toHaveLength(5);
    expect(await page('?page=3&per_page=10')).toMatchObject({ page: 3, per_page: 10, total: 25 });
    expect(await page('?page=9')).toMatchObject({ data: [], total: 25, page: 9 });
    for (const query of ['?page=0&per_page=0', '?page=x&per_page=101', '?page=-1&per_page=1.5']) {
      expect(await page(query)).toMatchObject({ page: 1, per_page: 20 });
    }
  });

  test('has no run of another schedule', async () => {
    const [mine, other] = [await create(), await create()];
    const run = app.db.schedules.insertRun({ schedule_id: other.id, due_at: new Date() });
    expectError(await app.client.get(`/api/schedules/${mine.id}/runs/${run?.id}`), 404, 'RUN_NOT_FOUND');
    expect((await app.client.get(`/api/schedules/${mine.id}/post-actions`)).body).toEqual([]);
  });
});

test('of another organisation does not exist', async () => {
  const { team } = storedTeam(app.db, { org_id: randomUUID() });
  const { id } = storedSchedule(app.db, team.id, { org_id: team.org_id });
  expect((await app.client.get('/api/schedules')).body).toEqual([]);
  for (const path of ['', '/runs', '/runs/x', '/post-actions']) {
    expectError(await app.client.get(`/api/schedules/${id}${path}`), 404, 'SCHEDULE_NOT_FOUND');
  }
  expectError(await app.client.put(`/api/schedules/${id}`, {}), 404, 'SCHEDULE_NOT_FOUND');
  expectError(await app.client.patch(`/api/schedules/${id}/toggle`), 404, 'SCHEDULE_NOT_FOUND');
  expectError(await app.client.delete(`/api/schedules/${id}`), 404, 'SCHEDULE_NOT_FOUND');
  expectError(await app.client.post('/api/schedules', { ...valid, team_id: team.id }), 400, 'INVALID_REQUEST');
});

test('the configuration says how long a run may take', async () => {
  expect((await app.client.get('/api/schedules/config')).body).toEqual({ timeout: '1m0s' });
});
