import type { ControlResponse } from '@agentcrew/protocol';
import { CrewError } from '@agentcrew/protocol';
import { latch, waitFor } from '@agentcrew/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { approvalRequest } from '../support/approvals.ts';
import { expectError } from '../support/expect-error.ts';
import { createFakeBuses, type FakeBus } from '../support/fake-bus.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const buses = createFakeBuses();
let app: TestApp;
let team: { id: string; slug: string; agents: { id: string }[] };
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

const leader = () => team.agents[0]?.id ?? '';
const one = (what: string, agent = leader()) => `/api/teams/${team.id}/agents/${agent}/${what}`;
const stop = () => app.client.post(`/api/teams/${team.id}/stop`);
const idle: ControlResponse = { ok: true, error: 'No turn is running.' };
const away = () => {
  throw new CrewError('AGENT_NOT_READY', 'away');
};

describe('interrupt', () => {
  test('tells whether a turn was running', async () => {
    expect(await app.client.post(one('interrupt'))).toMatchObject({ status: 200, body: { interrupted: true } });
    bus.answer = () => idle;
    expect(await app.client.post(one('interrupt'))).toMatchObject({ status: 200, body: { interrupted: false } });
    expect(bus.requests.map(({ agent, request }) => [agent, request.type])).toEqual([
      ['Lead', 'interrupt'],
      ['Lead', 'interrupt'],
    ]);
  });

  test('of a team counts the turns and names who did not answer', async () => {
    const all = `/api/teams/${team.id}/interrupt`;
    expect((await app.client.post(all)).body).toEqual({ interrupted: 2, unreachable: [] });
    bus.answer = () => idle;
    expect((await app.client.post(all)).body).toEqual({ interrupted: 0, unreachable: [] });
    bus.onRequest = away;
    expect((await app.client.post(all)).body).toEqual({ interrupted: 0, unreachable: ['Lead', 'Worker'] });
    bus.onRequest = () => undefined;
    await stop();
    expectError(await app.client.post(all), 409, 'TEAM_NOT_RUNNING');
  });

  test('needs a running agent', async () => {
    bus.onRequest = away;
    expectError(await app.client.post(one('interrupt')), 409, 'AGENT_NOT_RUNNING');
    bus.onRequest = () => undefined;
    expectError(await app.client.post(one('interrupt', 'x')), 404, 'AGENT_NOT_FOUND');
    await stop();
    expectError(await app.client.post(one('interrupt')), 409, 'TEAM_NOT_RUNNING');
  });
});

describe('restart', () => {
  test('ends the agent and starts it again, once, beside the passes of the reconciler', async () => {
    const { promise, open } = latch();
    const [stopped, deployed] = [vi.spyOn(app.runtime, 'stopAgent'), vi.spyOn(app.runtime, 'deployAgent')];
    stopped.mockImplementation(async () => promise);
    expect(await app.client.post(one('restart'))).toMatchObject({ status: 200, body: { status: 'restarting' } });
    expect(await app.client.post(one('restart'))).toMatchObject({ status: 200 });
    await app.crew.reconciler.pass();
    expect((await app.client.get(one('status'))).body).toMatchObject({ state: 'restarting' });
    expect(deployed).not.toHaveBeenCalled();
    open();
    await waitFor('the end', () => !app.crew.reconciler.restarting(leader()));
    await app.crew.reconciler.pass();
    expect([stopped.mock.calls.length, deployed.mock.calls.length]).toEqual([1, 1]);
    expect((await app.client.get(`/api/teams/${team.id}`)).body).toMatchObject({
      status: 'running',
      status_message: '',
    });
  });

  test('what the reconciler saw before a restart does not count', async () => {
    const seen = await app.runtime.listAgents();
    const { promise, open } = latch();
    vi.spyOn(app.runtime, 'listAgents').mockImplementationOnce(async () => {
      await promise;
      return seen.map((agent) => ({ ...agent, state: 'stopped' as const, message: 'as it was' }));
    });
    const pass = app.crew.reconciler.pass();
    await app.client.post(one('restart'));
    await waitFor('the end', () => !app.crew.reconciler.restarting(leader()));
    open();
    await pass;
    const { agents } = (await app.client.get(`/api/teams/${team.id}`)).body;
    expect(agents[0].container_status).toBe('running');
    expect(agents[1].container_status).toBe('error');
  });

  test('one that fails is told, and tried again later', async () => {
    vi.spyOn(app.runtime, 'deployAgent').mockRejectedValueOnce(new CrewError('RUNTIME_FAILED', 'no room'));
    await app.client.post(one('restart'));
    await waitFor('the end', () => !app.crew.reconciler.restarting(leader()));
    expect((await app.client.get(one('status'))).body).toMatchObject({ state: 'error' });
  });

  test('is cancelled by a stop', async () => {
    const { promise, open } = latch();
    vi.spyOn(app.runtime, 'stopAgent').mockImplementationOnce(async () => promise);
    await app.client.post(one('restart'));
    const stopping = stop();
    open();
    expect((await stopping).body).toMatchObject({ status: 'stopped' });
    expect((await app.client.get(one('status'))).body).toMatchObject({ state: 'stopped' });
  });

  test('needs a running team, and an agent that was deployed', async () => {
    const { body } = await app.client.post(`/api/teams/${team.id}/agents`, { name: 'Late' });
    expectError(await app.client.post(one('restart', body.id)), 409, 'AGENT_NOT_RUNNING');
    expectError(await app.client.post(one('restart', 'x')), 404, 'AGENT_NOT_FOUND');
    await stop();
    expectError(await app.client.post(one('restart')), 409, 'TEAM_NOT_RUNNING');
  });
});

describe('status', () => {
  test('is what the agent says, with its queue', async () => {
    const said = {
      activity: 'working' as const,
      current_message_id: 'm1',
      turn_started_at: '2026-01-31T12:00:00.000Z',
      context: { tokens: 12_000, window: 200_000 },
      last_activity_at: '2026-01-31T12:00:01.000Z',
      session_id: 's1',
    };
    bus.answer = () => ({ ok: true, ...said });
    bus.lag.set('agent-Lead', { pending: 2, unsettled: 1 });
    const { activity, ...rest } = said;
    expect(await app.client.get(one('status'))).toMatchObject({
      status: 200,
      body: { state: activity, reachable: true, queue_length: 2, ...rest },
    });
  });

  test('of an agent that does not answer is what the database knows', async () => {
    bus.onRequest = away;
    bus.lag.set('agent-Lead', undefined);
    const status = async () => (await app.client.get(one('status'))).body;
    const unknown = { current_message_id: null, turn_started_at: null, context: null, session_id: null };
    expect(await status()).toEqual({
      state: 'idle',
      reachable: false,
      queue_length: 0,
      last_activity_at: null,
      ...unknown,
    });
    await app.client.post(`/api/teams/${team.id}/chat`, { message: 'hello' });
    expect(await status()).toMatchObject({ state: 'working', queue_length: 1 });
    expect((await app.client.get(one('status', team.agents[1]?.id))).body).toMatchObject({ state: 'idle' });
    await (await bus.deliver(approvalRequest(), { kind: 'approval' })).done;
    expect(await status()).toMatchObject({ state: 'waiting_for_approval', last_activity_at: expect.any(String) });
    bus.onRequest = () => undefined;
  });

  test('of an agent that does not run', async () => {
    const { id } = await app.client.createTeam();
    const [agent] = (await app.client.get(`/api/teams/${id}`)).body.agents;
    const answer = await app.client.get(`/api/teams/${id}/agents/${agent.id}/status`);
    expect(answer).toMatchObject({ status: 200, body: { state: 'stopped', reachable: false } });
    expectError(await app.client.get(`/api/teams/${id}/agents/x/status`), 404, 'AGENT_NOT_FOUND');
  });

  test('of an agent with the name of a deleted one tells nothing of that one', async () => {
    await (await bus.deliver(approvalRequest(), { kind: 'approval' })).done;
    await stop();
    const seen = async (agent = leader()) => (await app.client.get(one('status', agent))).body.last_activity_at;
    expect(await seen()).toEqual(expect.any(String));
    await app.client.delete(`/api/teams/${team.id}/agents/${leader()}`);
    const { body } = await app.client.post(`/api/teams/${team.id}/agents`, { name: 'Lead', role: 'leader' });
    expect(await seen(body.id)).toBeNull();
  });
});
