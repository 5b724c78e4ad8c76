import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { createFakeBuses } from '../support/fake-bus.ts';
import { storedTeam } from '../support/rows.ts';
import { promptOf, untilEnded } from '../support/runs.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const buses = createFakeBuses();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ connectBus: buses.connectBus });
});
afterEach(() => app.clear());
afterAll(() => app.close());

const valid = { name: 'on push', prompt_template: 'Look at {{commit}}.' };

async function create(values: Record<string, unknown> = {}) {
  const team_id = values.team_id ?? (await app.client.createTeam()).id;
  const { status, body, text } = await app.client.post('/api/webhooks', { ...valid, team_id, ...values });
  if (status !== 201) throw new Error(`webhook not created: ${status} ${text}`);
  return body;
}

test('is created with what is given and sensible defaults, and shows its token once', async () => {
  const team = await app.client.createTeam();
  const { agents: _, ...withoutAgents } = team;
  const { webhook, token } = await create({ team_id: team.id });
  expect(token).toMatch(/^whk_[0-9a-f]{64}$/);
  expect(webhook).toEqual({
    ...valid,
    id: expect.any(String),
    org_id: team.org_id,
    team_id: team.id,
    timeout_seconds: 3600,
    max_concurrent: 1,
    enabled: true,
    secret_prefix: `${token.slice(0, 12)}...`,
    has_signing_secret: false,
    last_triggered_at: null,
    status: 'idle',
    created_at: expect.any(String),
    updated_at: expect.any(String),
    team: withoutAgents,
  });
  expect((await app.client.get(`/api/webhooks/${webhook.id}`)).body).toEqual(webhook);
  expect((await app.client.get('/api/webhooks')).body).toEqual([webhook]);
});

test.each([
  ['name', undefined, 'name is required'],
  ['name', 'x'.repeat(256), 'name must be at most 255'],
  ['team_id', undefined, 'team_id is required'],
  ['team_id', randomUUID(), 'team not found'],
  ['prompt_template', undefined, 'prompt_template is required'],
  ['prompt_template', 'x'.repeat(50_001), 'prompt_template must be at most 50000 bytes long'],
  ['timeout_seconds', 0, 'timeout_seconds must be at least 1'],
  ['timeout_seconds', 86_401, 'timeout_seconds must be at most 86400'],
  ['max_concurrent', 0, 'max_concurrent must be at least 1'],
  ['signing_secret', 'short', 'signing_secret must be at least 8 characters long'],
])('with the %s %j is refused', async (field, value, message) => {
  const { id: team_id } = await app.client.createTeam();
  const answer = await app.client.post('/api/webhooks', { ...valid, team_id, [field]: value });
  expectError(answer, 400, 'INVALID_REQUEST');
  expect(answer.body.error).toContain(message);
});

test('is changed in what is named; its secret is written and never shown', async () => {
  const { webhook } = await create();
  const path = `/api/webhooks/${webhook.id}`;
  const { body } = await app.client.put(path, { name: 'daily', max_concurrent: 5, signing_secret: 'a secret text' });
  expect(body).toMatchObject({ ...valid, name: 'daily', max_concurrent: 5, has_signing_secret: true });
  expect(JSON.stringify(body)).not.toContain('a secret text');
  expect((await app.client.put(path, { name: 'weekly' })).body).toMatchObject({ has_signing_secret: true });
  expect((await app.client.put(path, { signing_secret: '' })).body).toMatchObject({ has_signing_secret: false });
  expect((await app.client.patch(`${path}/toggle`)).body).toMatchObject({ enabled: false });
  expect((await app.client.patch(`${path}/toggle`)).body).toMatchObject({ enabled: true });
});

test('a new token makes the old one void at once', async () => {
  const { id: team_id } = await app.client.createRunningTeam();
  const { webhook, token } = await create({ team_id });
  const { status, body } = await app.client.post(`/api/webhooks/${webhook.id}/regenerate`);
  expect({ status, prefix: body.webhook.secret_prefix }).toEqual({
    status: 200,
    prefix: `${body.token.slice(0, 12)}...`,
  });
  expectError(await app.client.post(`/webhook/trigger/${token}`), 401, 'WEBHOOK_TOKEN_UNKNOWN');
  expect(await app.client.post(`/webhook/trigger/${body.token}`)).toMatchObject({ status: 202 });
});

test('a deleted one takes its runs along and ends those that are under way', async () => {
  const team = await app.client.createRunningTeam();
  const { webhook, token } = await create({ team_id: team.id });
  const { run_id } = (await app.client.post(`/webhook/trigger/${token}`)).body;
  await promptOf(app.db, { type: 'webhook', id: run_id }, buses.of(team.slug));
  const waiting = app.client.post(`/webhook/trigger/${token}?wait=true`);
  expectError(await waiting, 429, 'TOO_MANY_RUNS');
  expect(await app.client.delete(`/api/webhooks/${webhook.id}`)).toMatchObject({ status: 204, text: '' });
  expectError(await app.client.get(`/api/webhooks/${webhook.id}`), 404, 'WEBHOOK_NOT_FOUND');
  expectError(await app.client.post(`/webhook/trigger/${token}`), 401, 'WEBHOOK_TOKEN_UNKNOWN');
  expect(app.db.runs.open()).toEqual([]);
});

describe('the runs', () => {
  test('are listed in pages, newest first, each with what was sent', async () => {
    const team = await app.client.createRunningTeam();
    const { webhook, token } = await create({ team_id: team.id, max_concurrent: 3 });
    const ids = [];
    for (const commit of ['a', 'b', 'c']) {
      ids.unshift((await app.client.post(`/webhook/trigger/${token}`, { variables: { commit } })).body.run_id);
    }
    const { body } = await app.client.get(`/api/webhooks/${webhook.id}/runs?per_page=2`);
    expect(body).toMatchObject({ total: 3, page: 1, per_page: 2 });
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    expect(body.data[0]).toMatchObject({
      webhook_id: webhook.id,
      status: 'running',
      prompt_sent: 'Look at c.',
      request_payload: '{"variables":{"commit":"c"}}',
      caller_ip: '127.0.0.1',
    });
    expect((await app.client.get(`/api/webhooks/${webhook.id}`)).body).toMatchObject({
      status: 'running',
      last_triggered_at: body.data[0].started_at,
    });
    await app.client.post(`/api/teams/${team.id}/stop`);
    for (const id of ids) expect(await untilEnded(app.db, { type: 'webhook', id })).toMatchObject({ status: 'failed' });
    expect((await app.client.get(`/api/webhooks/${webhook.id}`)).body).toMatchObject({ status: 'idle' });
    expect((await app.client.get(`/api/webhooks/${webhook.id}/runs/${ids[0]}`)).body).toMatchObject({ id: ids[0] });
    expectError(await app.client.get(`/api/webhooks/${webhook.id}/runs/x`), 404, 'RUN_NOT_FOUND');
    expect((await app.client.get(`/api/webhooks/${webhook.id}/post-actions`)).body).toEqual([]);
  });
});

test('of another organisation does not exist', async () => {
  const { team } = storedTeam(app.db, { org_id: randomUUID() });
  const stored = { token_hash: 'x', secret_prefix: 'x', org_id: team.org_id, team_id: team.id };
  const { id } = app.db.webhooks.insert({ ...valid, ...stored });
  expect((await app.client.get('/api/webhooks')).body).toEqual([]);
  for (const path of ['', '/runs', '/runs/x', '/post-actions']) {
    expectError(await app.client.get(`/api/webhooks/${id}${path}`), 404, 'WEBHOOK_NOT_FOUND');
  }
  expectError(await app.client.put(`/api/webhooks/${id}`, {}), 404, 'WEBHOOK_NOT_FOUND');
  expectError(await app.client.patch(`/api/webhooks/${id}/toggle`), 404, 'WEBHOOK_NOT_FOUND');
  expectError(await app.client.post(`/api/webhooks/${id}/regenerate`), 404, 'WEBHOOK_NOT_FOUND');
  expectError(await app.client.delete(`/api/webhooks/${id}`), 404, 'WEBHOOK_NOT_FOUND');
  expectError(await app.client.post('/api/webhooks', { ...valid, team_id: team.id }), 400, 'INVALID_REQUEST');
});
