import type { Envelope } from '@agentcrew/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { createFakeBuses, type FakeBus } from '../support/fake-bus.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const buses = createFakeBuses();
let app: TestApp;
let team: { id: string; slug: string; agents: { id: string; slug: string }[] };
let bus: FakeBus;
beforeAll(async () => {
  app = await startTestApp({ connectBus: buses.connectBus });
});
beforeEach(async () => {
  team = await app.client.createRunningTeam();
  bus = buses.of(team.slug);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await app.clear();
});
afterAll(() => app.close());

const db = { name: 'db', transport: 'stdio', command: 'db-mcp', args: ['--ro'], env: { TOKEN: 'canary-1' } };
const web = {
  name: 'web',
  transport: 'http',
  url: 'https://mcp.example/x',
  headers: { Authorization: 'Bearer canary-2' },
};
const mask = '********';
const path = (rest = '') => `/api/teams/${team.id}/mcp${rest}`;
const add = (server: object) => app.client.post(path('/servers'), server);
const agentPath = (index = 0) => `/api/teams/${team.id}/agents/${team.agents[index]?.id}`;
const stored = () => app.db.teams.get(team.id)?.mcp_servers;
const told = (agent: string) =>
  bus.briefings.findLast((sent) => sent.agent === agent && sent.request.type === 'mcp_servers')?.request;
const stop = () => app.client.post(`/api/teams/${team.id}/stop`);

let reports = 0;
function report(from: string, servers: object[]): Envelope {
  reports += 1;
  const payload = { agent_name: from, servers };
  const timestamp = new Date().toISOString();
  return { message_id: `report-${reports}`, from, to: 'system', type: 'mcp_status', payload, timestamp };
}
async function says(from: string, servers: object[]) {
  await (await bus.deliver(report(from, servers), { kind: 'activity' })).done;
}
const statuses = async () => (await app.client.get(`/api/teams/${team.id}`)).body.mcp_statuses;

describe('a server', () => {
  test('is added, shown with its secrets masked, told to the agents that run, and removed', async () => {
    expect(await add(db)).toMatchObject({
      status: 201,
      body: { id: team.id, mcp_servers: [{ ...db, env: { TOKEN: mask } }] },
    });
    expect((await add(web)).body.mcp_servers[1]).toEqual({ ...web, headers: { Authorization: mask } });
    expect(stored()).toEqual([db, web]);
    for (const agent of ['Lead', 'Worker']) expect(told(agent)).toEqual({ type: 'mcp_servers', servers: [db, web] });
    expect((await app.client.get('/api/teams')).text).not.toContain('canary');

    expect(await app.client.delete(path('/servers/DB'))).toMatchObject({ status: 204, text: '' });
    expect(stored()).toEqual([web]);
    expect(told('Worker')).toEqual({ type: 'mcp_servers', servers: [web] });
    expectError(await app.client.delete(path('/servers/db')), 404, 'MCP_SERVER_NOT_FOUND');
    expectError(await app.client.delete('/api/teams/x/mcp/servers/db'), 404, 'TEAM_NOT_FOUND');
  });

  test('has a name of its own, whatever the case, in its team and its agents', async () => {
    await add(db);
    expectError(await add({ ...web, name: 'DB' }), 409, 'MCP_SERVER_NAME_TAKEN');
    const own = { ...web, name: 'mine' };
    expectError(
      await app.client.put(agentPath(), { mcp_servers: [{ ...web, name: 'Db' }] }),
      409,
      'MCP_SERVER_NAME_TAKEN',
    );
    expect((await app.client.put(agentPath(), { mcp_servers: [own] })).status).toBe(200);
    expectError(await add({ ...web, name: 'MINE' }), 409, 'MCP_SERVER_NAME_TAKEN');
    expectError(await app.client.put(`/api/teams/${team.id}`, { mcp_servers: [own] }), 409, 'MCP_SERVER_NAME_TAKEN');
    const newcomer = { name: 'newcomer', mcp_servers: [{ ...web, name: 'dB' }] };
    expectError(await app.client.post(`/api/teams/${team.id}/agents`, newcomer), 409, 'MCP_SERVER_NAME_TAKEN');
  });

  test('may come with the empty fields of a form', async () => {
    expect(await add({ ...db, url: '', headers: {} })).toMatchObject({ status: 201 });
    expect(await add({ ...web, command: '', args: [], env: {} })).toMatchObject({ status: 201 });
    expectError(await add({ name: 'no', transport: 'http', url: '' }), 400, 'INVALID_REQUEST', 'url is required');
  });

  test.each([
    ['name', { ...db, name: 'Crew' }],
    ['name', { ...db, name: 'a b' }],
    ['command', { ...db, command: 'a; b' }],
    ['url must be an http or https URL', { ...web, url: 'file:///etc/passwd' }],
    ['url must be an http or https URL', { ...web, url: 'mcp.example' }],
    ['env', { ...db, env: { 'A=B': 'x' } }],
    ['env', { ...db, env: { A: 'x'.repeat(50_000) } }],
    ['headers', { ...web, headers: { 'X-A': 'a\r\nX-B: b' } }],
    ['mcp_servers', { ...db, env: { TOKEN: mask } }],
  ])('with a bad %s is refused', async (field, server) => {
    const answer = await add(server);
    expectError(answer, 400, 'INVALID_REQUEST');
    expect(answer.body.error).toContain(field);
    expect(stored()).toBeNull();
  });

  test('is shown with its state in the schedules and webhooks of the team, too', async () => {
    await add(db);
    await says('Lead', [{ name: 'db', status: 'running' }]);
    const shown = await statuses();
    expect(shown).toMatchObject([{ name: 'db', status: 'running' }]);
    const hook = await app.client.post('/api/webhooks', { name: 'x', team_id: team.id, prompt_template: 'x' });
    const when = { name: 'x', team_id: team.id, prompt: 'x', cron_expression: '0 0 1 1 *' };
    const schedule = await app.client.post('/api/schedules', when);
    expect([hook.body.webhook.team.mcp_statuses, schedule.body.team.mcp_statuses]).toEqual([shown, shown]);
  });

  test('of an agent alone is told to it alone', async () => {
    await add(db);
    const { body } = await app.client.put(agentPath(1), { mcp_servers: [web] });
    expect(body.mcp_servers).toEqual([{ ...web, headers: { Authorization: mask } }]);
    expect(told('Worker')).toEqual({ type: 'mcp_servers', servers: [db, web] });
    expect(told('Lead')).toEqual({ type: 'mcp_servers', servers: [db] });
  });

  test('is part of what an agent is deployed with, its secrets apart', async () => {
    await add(db);
    await stop();
    const deployed = vi.spyOn(app.runtime, 'deployAgent');
    await app.client.post(`/api/teams/${team.id}/deploy`);
    await app.client.until(team.id, 'running');
    const [config] = deployed.mock.calls[0] ?? [];
    expect(config?.mcp_servers).toEqual([{ name: 'db', transport: 'stdio', command: 'db-mcp', args: ['--ro'] }]);
    expect(JSON.parse(config?.secrets.mcp ?? '')).toEqual({ db: { env: db.env } });
  });
});

describe('a mask', () => {
  test('keeps the stored value, in the team and in an agent', async () => {
    await add(db);
    const changed = { ...db, env: { TOKEN: mask, MODE: 'fast' } };
    expect((await app.client.put(`/api/teams/${team.id}`, { mcp_servers: [changed] })).status).toBe(200);
    expect(stored()).toEqual([{ ...db, env: { TOKEN: 'canary-1', MODE: 'fast' } }]);
    await app.client.put(agentPath(), { mcp_servers: [web] });
    await app.client.put(agentPath(), { mcp_servers: [{ ...web, headers: { Authorization: mask } }] });
    expect(app.db.agents.listByTeam(team.id)[0]?.mcp_servers).toEqual([web]);
  });

  test('keeps nothing for another program or address: the secret would go there', async () => {
    await add(db);
    for (const change of [{ command: 'other' }, { args: ['--to', 'evil'] }, { env: { OTHER: mask } }]) {
      const answer = await app.client.put(`/api/teams/${team.id}`, {
        mcp_servers: [{ ...db, env: { TOKEN: mask }, ...change }],
      });
      expectError(answer, 400, 'INVALID_REQUEST');
    }
    expect(stored()).toEqual([db]);
  });
});

describe('as text', () => {
  test('the servers of a stopped team are a list, and what is shown can be sent back', async () => {
    await stop();
    expect((await app.client.get(path())).body).toEqual({ content: '[]', path: '', provider: 'claude' });
    await app.client.put(`/api/teams/${team.id}`, { mcp_servers: [db, web] });
    const { content } = (await app.client.get(path())).body;
    expect(content).not.toContain('canary');
    expect(JSON.parse(content)).toMatchObject([{ name: 'db' }, { name: 'web' }]);
    expect(await app.client.put(path(), { content })).toMatchObject({
      status: 200,
      body: { status: 'saved', path: '' },
    });
    expect(stored()).toEqual([db, web]);
  });

  test("those of a running team have Claude Code's form", async () => {
    await add(db);
    await add(web);
    await add({ name: 'old', transport: 'sse', url: 'https://sse.example' });
    const { content } = (await app.client.get(path())).body;
    expect(JSON.parse(content)).toEqual({
      mcpServers: {
        db: { command: 'db-mcp', args: ['--ro'], env: { TOKEN: mask } },
        web: { type: 'http', url: 'https://mcp.example/x', headers: { Authorization: mask } },
        old: { url: 'https://sse.example' },
      },
    });
    expect(await app.client.put(path(), { content })).toMatchObject({ status: 200, body: { status: 'written' } });
    expect(stored()).toEqual([db, web, { name: 'old', transport: 'sse', url: 'https://sse.example' }]);
  });

  test.each(['', 'nonsense', '7', '{}', '[7]', '{"mcpServers":[]}', '{"mcpServers":{"crew":{"command":"x"}}}'])(
    'what is no list of servers is refused: %s',
    async (content) => {
      expectError(await app.client.put(path(), { content }), 400, 'INVALID_REQUEST');
      expect(stored()).toBeNull();
    },
  );
});

describe('the state of the servers', () => {
  test('is what the agents say last, the worst of them, and who says it', async () => {
    await add(db);
    await says('Lead', [{ name: 'db', status: 'running' }]);
    expect(await statuses()).toEqual([{ name: 'db', status: 'running' }]);
    await says('Worker', [{ name: 'db', status: 'failed', error: 'no such program' }]);
    expect(await statuses()).toEqual([{ name: 'db', status: 'failed', error: 'Worker: no such program' }]);
    await says('Worker', [{ name: 'db', status: 'running' }]);
    expect(await statuses()).toEqual([{ name: 'db', status: 'running' }]);
    const { body } = await app.client.get(`/api/teams/${team.id}/activity?types=mcp_status`);
    expect(body).toHaveLength(3);
  });

  test('goes with the agent that said it', async () => {
    await add(db);
    await says('Lead', [{ name: 'db', status: 'running' }]);
    await says('Worker', [{ name: 'db', status: 'failed' }]);
    const worker = team.agents[1]?.id ?? '';
    app.db.agents.setContainer(worker, { container_id: '', container_status: 'stopped' });
    await app.client.delete(agentPath(1));
    expect(await statuses()).toEqual([{ name: 'db', status: 'running' }]);
    await app.client.post(`/api/teams/${team.id}/agents`, { name: 'Worker' });
    expect(await statuses()).toEqual([{ name: 'db', status: 'running' }]);
  });

  test('goes with the server, and with the stop of the team', async () => {
    await add(db);
    await add(web);
    await says(
      'Lead',
      [db, web].map(({ name }) => ({ name, status: 'running' })),
    );
    await app.client.delete(path('/servers/db'));
    expect(await statuses()).toEqual([{ name: 'web', status: 'running' }]);
    await says('Lead', [
      { name: 'db', status: 'running' },
      { name: 'web', status: 'running' },
    ]);
    expect(await statuses()).toEqual([{ name: 'web', status: 'running' }]);
    await stop();
    expect(await statuses()).toBeNull();
  });
});
