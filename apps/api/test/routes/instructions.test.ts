import { CrewError, type Envelope } from '@agentcrew/protocol';
import { waitFor } from '@agentcrew/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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
  bus.setConnected(true);
  await app.clear();
});
afterAll(() => app.close());

const path = (index = 0) => `/api/teams/${team.id}/agents/${team.agents[index]?.id}/instructions`;
const put = (content: unknown, index = 0) => app.client.put(path(index), { content });
/** What an agent was told last. */
const told = (agent: string) =>
  bus.briefings.findLast((sent) => sent.agent === agent && sent.request.type === 'instructions')?.request;
const starting = (from: string): Envelope => ({
  message_id: `starting-${from}`,
  from,
  to: 'system',
  type: 'status_update',
  payload: { activity: 'starting' },
  timestamp: new Date().toISOString(),
});

describe('instructions', () => {
  test('are shown as made from the other fields, then as they were written', async () => {
    const { body } = await app.client.get(path());
    expect(body).toEqual({ content: expect.stringContaining('# Lead'), path: '.claude/CLAUDE.md' });
    expect(await put('Answer in verse.\n')).toMatchObject({
      status: 200,
      body: { content: 'Answer in verse.\n', path: '.claude/CLAUDE.md' },
    });
    expect((await app.client.get(path())).body.content).toBe('Answer in verse.\n');
    expect((await app.client.get(path(1))).body.path).toBe('.claude/agents/Worker.md');
    expect(app.db.agents.get(team.id, team.agents[0]?.id ?? '')?.instructions_md).toBe('Answer in verse.\n');
  });

  test('can be edited while the team is stopped', async () => {
    await app.client.post(`/api/teams/${team.id}/stop`);
    bus.briefings.length = 0;
    expect((await put('For later.')).status).toBe(200);
    expect((await app.client.get(path())).body.content).toBe('For later.');
    expect(bus.briefings).toEqual([]);
  });

  test('are not blank, not too long, and of an agent that exists', async () => {
    for (const content of ['', ' \n', 'é'.repeat(51_201), 7, undefined])
      expectError(await put(content), 400, 'INVALID_REQUEST');
    expect((await put('é'.repeat(51_200))).status).toBe(200);
    expectError(
      await app.client.put(`/api/teams/${team.id}/agents/x/instructions`, { content: 'x' }),
      404,
      'AGENT_NOT_FOUND',
    );
    expectError(await app.client.get(`/api/teams/x/agents/x/instructions`), 404, 'TEAM_NOT_FOUND');
  });

  test('reach the agent before the answer, with its team', async () => {
    await put('Be quick.');
    const request = told('Lead');
    expect(request).toMatchObject({
      type: 'instructions',
      instructions: expect.stringMatching(/^Be quick\.\n\n## Team members/),
    });
  });

  test('a changed text of an agent, or of the team, reaches whom it concerns', async () => {
    await app.client.put(`/api/teams/${team.id}/agents/${team.agents[1]?.id}`, { specialty: 'tides and moons' });
    expect(told('Lead')).toMatchObject({ instructions: expect.stringContaining('tides and moons') });
    expect(told('Worker')).toMatchObject({ instructions: expect.stringContaining('tides and moons') });
    await app.client.put(`/api/teams/${team.id}`, { description: 'sails the seas' });
    expect(told('Worker')).toMatchObject({ instructions: expect.stringContaining('sails the seas') });
  });

  test('an agent that was added since the deploy is no member yet', async () => {
    await app.client.post(`/api/teams/${team.id}/agents`, { name: 'newcomer', specialty: 'novelty' });
    await put('Hello.');
    expect(told('Lead')).not.toMatchObject({ instructions: expect.stringContaining('novelty') });
  });

  test('an agent that cannot be reached is told with the next pass, or connection', async () => {
    bus.onRequest = () => {
      throw new CrewError('AGENT_NOT_READY', 'away');
    };
    bus.briefings.length = 0;
    expect((await put('One.')).status).toBe(200);
    bus.onRequest = () => undefined;
    expect(bus.briefings).toEqual([]);
    await app.crew.reconciler.pass();
    await waitFor('the change', () => told('Lead'));
    expect(told('Lead')).toMatchObject({ instructions: expect.stringContaining('One.') });

    bus.setConnected(false);
    expect((await put('Two.')).status).toBe(200);
    bus.setConnected(true);
    await waitFor('the change', () => JSON.stringify(told('Lead')).includes('Two.'));
  });

  test('an agent that starts again is told, and only it', async () => {
    await put('Newest.');
    bus.briefings.length = 0;
    await (await bus.deliver(starting('Lead'), { kind: 'status' })).done;
    await waitFor('the briefing', () => told('Lead'));
    expect(told('Lead')).toMatchObject({ instructions: expect.stringContaining('Newest.') });
    expect(told('Worker')).toBeUndefined();
  });
});
