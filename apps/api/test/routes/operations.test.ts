import { defaultOrgId } from '@agentcrew/models';
import { waitFor } from '@agentcrew/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openSocket } from '../support/sockets.ts';
import { startTestApp, type TestApp, type TestAppOptions } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterEach(() => app.clear());
afterAll(() => app.close());

async function metric(sample: string): Promise<number | undefined> {
  const { text } = await app.client.get('/metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length));
}

describe('health', () => {
  test('is ok, and nothing else', async () => {
    expect(await app.client.get('/health')).toMatchObject({ status: 200, text: '{"status":"ok"}' });
  });

  test('is 503 with a reason while the database cannot be read', async () => {
    const broken = await startTestApp();
    broken.db[Symbol.dispose]();
    const { status, body } = await broken.client.get('/health');
    expect({ status, body }).toEqual({
      status: 503,
      body: { status: 'unhealthy', errors: [expect.stringMatching(/^database: ./)] },
    });
    expect(await broken.client.get('/ready')).toMatchObject({ status: 503, body: { status: 'unavailable' } });
    await broken.close();
  });
});

test('the server is ready when its database is, with the mock runtime', async () => {
  await app.client.createRunningTeam();
  expect(await app.client.get('/ready')).toMatchObject({
    status: 200,
    body: { status: 'ready', checks: { database: 'ok', runtime: 'mock' } },
  });
});

describe('who may use the server', () => {
  const authOf = async (options: TestAppOptions) => {
    await using other = await startTestApp(options);
    return (await other.client.get('/ready')).body.checks.auth;
  };

  test('is said to whoever asks whether it is ready', async () => {
    expect(await authOf({ onLoopback: true })).toBe('noop');
    expect(await authOf({ onLoopback: false })).toMatch(/nobody is asked who they are.*AUTH_PROVIDER=local/);
    expect(await authOf({ auth: { provider: 'local' } })).toBe('local');
    const everybody = { provider: 'local', multiTenant: true } as const;
    expect(await authOf({ auth: everybody })).toMatch(/may register an organisation.*MULTI_TENANT=false/);
    expect(await authOf({ auth: everybody, onLoopback: true })).toBe('local');
  });
});

describe('metrics', () => {
  test('are in the text format of Prometheus', async () => {
    const { status, headers, text } = await app.client.get('/metrics');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^text\/plain; ?version=0\.0\.4/);
    for (const line of text.split('\n').filter((one) => one !== '')) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? \S+)$/);
    }
    expect(text).toContain('process_resident_memory_bytes');
  });

  test('count teams, agents, messages and what waits', async () => {
    const { id } = await app.client.createRunningTeam();
    await app.client.createTeam();
    const waiting = (await metric('agentcrew_outbox_depth')) ?? 0;
    await app.client.post(`/api/teams/${id}/chat`, { message: 'hi' });
    expect(await metric('agentcrew_teams{status="running"}')).toBe(1);
    expect(await metric('agentcrew_teams{status="stopped"}')).toBe(1);
    expect(await metric('agentcrew_teams{status="error"}')).toBe(0);
    expect(await metric('agentcrew_agents{status="running"}')).toBe(2);
    expect(await metric('agentcrew_agents{status="stopped"}')).toBe(2);
    expect(await metric('agentcrew_messages_total{type="user_message"}')).toBe(1);
    expect(await metric('agentcrew_outbox_depth')).toBe(waiting + 1);
    expect(await metric('agentcrew_outbox_oldest_seconds')).toBeGreaterThanOrEqual(0);
    const failed = (await metric('agentcrew_turns_total{status="failed"}')) ?? 0;
    await app.client.post(`/api/teams/${id}/stop`);
    expect(await metric('agentcrew_turns_total{status="failed"}')).toBe(failed + 1);
    expect(await metric('agentcrew_outbox_depth')).toBe(waiting);
  });

  test('count WebSocket clients', async () => {
    const { id } = await app.client.createTeam();
    const socket = await openSocket(app.port, `/ws/teams/${id}/activity`);
    expect(await metric('agentcrew_websocket_clients')).toBe(1);
    socket.close();
    await waitFor('no client', async () => (await metric('agentcrew_websocket_clients')) === 0);
  });

  test('name the route of a request, not its path', async () => {
    const { id } = await app.client.createTeam();
    await app.client.get(`/api/teams/${id}`);
    await app.client.get('/somewhere/else');
    const { text } = await app.client.get('/metrics');
    expect(text).toContain(
      'agentcrew_http_request_duration_seconds_count{method="GET",route="/api/teams/:id",status="200"}',
    );
    expect(text).not.toContain(id);
    expect(text).not.toContain('somewhere');
  });

  test('show no secrets', async () => {
    app.db.settings.upsert(defaultOrgId, { key: 'CANARY', value: 'canary-value', is_secret: true });
    expect((await app.client.get('/metrics')).text).not.toMatch(/canary/i);
  });
});
