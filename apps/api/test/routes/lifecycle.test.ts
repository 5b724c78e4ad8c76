import { CrewError } from '@agentcrew/protocol';
import { fastest, waitFor } from '@agentcrew/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterEach(() => app.clear());
afterAll(() => app.close());

const show = async (id: string) => (await app.client.get(`/api/teams/${id}`)).body;
const deploy = (id: string) => app.client.post(`/api/teams/${id}/deploy`);
const stop = (id: string) => app.client.post(`/api/teams/${id}/stop`);

async function expectNothingLeft(slug: string): Promise<void> {
  const left = await app.runtime.listAgents();
  expect(left.filter(({ team }) => team === slug)).toEqual([]);
}

test('a deploy takes less than half a second', async () => {
  expect(await fastest(3, () => app.client.createRunningTeam())).toBeLessThan(500);
});

test('a deploy answers at once, then all agents run', async () => {
  const { id, slug } = await app.client.createTeam();
  const { status, body } = await deploy(id);
  expect({ status, body }).toMatchObject({ status: 200, body: { id, status: 'deploying', status_message: '' } });
  const team = await app.client.until(id, 'running');
  expect(team.status_message).toBe('');
  expect(team.agents).toHaveLength(2);
  for (const agent of team.agents) {
    expect(agent).toMatchObject({ container_status: 'running', container_id: `mock-container-${slug}.${agent.slug}` });
  }
});

test('a running team is not deployed again', async () => {
  const { id } = await app.client.createRunningTeam();
  expectError(await deploy(id), 409, 'TEAM_ALREADY_RUNNING', 'team is already running');
  expect(await show(id)).toMatchObject({ status: 'running' });
});

test('of two deploys at once one is refused', async () => {
  const { id } = await app.client.createTeam();
  app.runtime.hangNext('deployAgent');
  const answers = await Promise.all([deploy(id), deploy(id)]);
  const [done, refused] = answers.sort((one, other) => one.status - other.status);
  expect(done).toMatchObject({ status: 200, body: { status: 'deploying' } });
  if (refused) expectError(refused, 409, 'TEAM_DEPLOYING', 'team is currently deploying');
  expectError(await deploy(id), 409, 'TEAM_DEPLOYING');
});

test('a stop ends all agents before it answers, and a second one is refused', async () => {
  const { id, slug } = await app.client.createRunningTeam();
  const { status, body } = await stop(id);
  expect({ status, body }).toMatchObject({ status: 200, body: { id, status: 'stopped', status_message: '' } });
  expect(await show(id)).toEqual(body);
  for (const agent of body.agents) expect(agent).toMatchObject({ container_status: 'stopped', container_id: '' });
  await expectNothingLeft(slug);
  expectError(await stop(id), 409, 'TEAM_NOT_RUNNING', 'team is not running');
});

test('a team that never ran cannot be stopped', async () => {
  const { id } = await app.client.createTeam();
  expectError(await stop(id), 409, 'TEAM_NOT_RUNNING', 'team is not running');
});

test('of two stops at once one stops, and the other says so or comes too late', async () => {
  const { id } = await app.client.createRunningTeam();
  const answers = await Promise.all([stop(id), stop(id)]);
  expect(answers.filter(({ body }) => body.status === 'stopped').length).toBeGreaterThan(0);
  for (const late of answers.filter(({ status }) => status !== 200)) expectError(late, 409, 'TEAM_NOT_RUNNING');
});

test('a stop right before a deploy is a redeploy, again and again', async () => {
  const { id } = await app.client.createRunningTeam();
  for (let round = 0; round < 5; round += 1) {
    expect(await stop(id)).toMatchObject({ status: 200 });
    expect(await deploy(id)).toMatchObject({ status: 200, body: { status: 'deploying' } });
    expect(await app.client.until(id, 'running')).toMatchObject({ status_message: '' });
  }
});

test.each(['deployInfra', 'deployAgent'] as const)('a stop cancels a deploy that hangs in %s', async (operation) => {
  const { id, slug } = await app.client.createTeam();
  app.runtime.hangNext(operation);
  await deploy(id);
  expectError(await app.client.post(`/api/teams/${id}/chat`, { message: 'hi' }), 409, 'TEAM_NOT_RUNNING');
  const { status, body } = await stop(id);
  expect({ status, body }).toMatchObject({ status: 200, body: { status: 'stopped', status_message: '' } });
  for (const agent of body.agents) expect(agent).toMatchObject({ container_status: 'stopped', container_id: '' });
  await expectNothingLeft(slug);
  await deploy(id);
  await app.client.until(id, 'running');
});

test('a deploy and a stop at once end in one of both, never in between', async () => {
  const { id, slug } = await app.client.createTeam();
  for (let round = 0; round < 5; round += 1) {
    const [, stopped] = await Promise.all([deploy(id), stop(id)]);
    expect([200, 409]).toContain(stopped.status);
    const team = await waitFor('an end', async () => {
      const now = await show(id);
      return now.status !== 'deploying' && now;
    });
    const running = (await app.runtime.listAgents()).filter(({ team }) => team === slug).length;
    expect([
      ['stopped', 0],
      ['running', 2],
    ]).toContainEqual([team.status, running]);
    if (team.status === 'running') await stop(id);
  }
});

describe('a deploy fails', () => {
  test.each([
    ['without agents', [], /exactly one agent with the role "leader".*none/],
    ['without a leader', [{ name: 'a' }, { name: 'b' }], /exactly one agent with the role "leader".*none/],
    ['with two leaders', ['a', 'b'].map((name) => ({ name, role: 'leader' })), /exactly one.*a, b/],
  ])('%s', async (_what, agents, message) => {
    const { id, slug } = await app.client.createTeam({ agents });
    expect(await deploy(id)).toMatchObject({ status: 200, body: { status: 'deploying' } });
    const team = await app.client.until(id, 'error');
    expect(team.status_message).toMatch(message);
    await expectNothingLeft(slug);
  });

  test('when the infrastructure does, and the next one succeeds', async () => {
    const { id, slug } = await app.client.createTeam();
    app.runtime.failNext('deployInfra', new CrewError('RUNTIME_FAILED', 'nats-server was not found on PATH'));
    await deploy(id);
    const team = await app.client.until(id, 'error');
    expect(team.status_message).toContain('nats-server was not found on PATH');
    await expectNothingLeft(slug);
    expect(await deploy(id)).toMatchObject({ status: 200, body: { status: 'deploying', status_message: '' } });
    await app.client.until(id, 'running');
  });

  test('when one agent does, and ends the others', async () => {
    const { id, slug } = await app.client.createTeam({
      agents: [{ name: 'Lead', role: 'leader' }, { name: 'a' }, { name: 'b' }, { name: 'c' }],
    });
    app.runtime.failNext('deployAgent', new CrewError('CLI_NOT_FOUND', 'Claude Code was not found'));
    await deploy(id);
    const team = await app.client.until(id, 'error');
    expect(team.status_message).toContain('Claude Code was not found');
    await expectNothingLeft(slug);
    const statuses = team.agents.map((agent: { container_status: string }) => agent.container_status);
    expect(statuses.filter((status: string) => status === 'error')).toHaveLength(1);
    expect(statuses).not.toContain('running');
  });

  test('and the team can be stopped, changed and deleted', async () => {
    const { id } = await app.client.createTeam({ agents: [] });
    await deploy(id);
    await app.client.until(id, 'error');
    expect(await stop(id)).toMatchObject({ status: 200, body: { status: 'stopped', status_message: '' } });
    await deploy(id);
    await app.client.until(id, 'error');
    await app.client.post(`/api/teams/${id}/agents`, { name: 'Lead', role: 'leader' });
    await deploy(id);
    await app.client.until(id, 'running');
    await stop(id);
    const other = await app.client.createTeam({ agents: [] });
    await deploy(other.id);
    await app.client.until(other.id, 'error');
    expect(await app.client.delete(`/api/teams/${other.id}`)).toMatchObject({ status: 204 });
  });

  test('when it takes too long', async () => {
    await using slow = await startTestApp({ deployTimeoutMs: 50 });
    const { id, slug } = await slow.client.createTeam();
    slow.runtime.hangNext('deployAgent');
    await slow.client.post(`/api/teams/${id}/deploy`);
    expect(await slow.client.until(id, 'error')).toMatchObject({
      status_message: expect.stringContaining('took longer'),
    });
    expect((await slow.runtime.listAgents()).filter(({ team }) => team === slug)).toEqual([]);
  });
});

test.each(['deploy', 'stop'])('%s of an unknown team is 404', async (verb) => {
  for (const id of ['6f9619ff-8b86-4d01-b42d-00c04fc964ff', 'no-uuid']) {
    expectError(await app.client.post(`/api/teams/${id}/${verb}`), 404, 'TEAM_NOT_FOUND', 'team not found');
  }
});

test('a body that deploy and stop do not need is ignored, unless it cannot be read', async () => {
  const { id } = await app.client.createTeam();
  expectError(await app.client.send('POST', `/api/teams/${id}/deploy`, { raw: '{' }), 400, 'INVALID_REQUEST');
  expect(await app.client.post(`/api/teams/${id}/deploy`, { force: true })).toMatchObject({ status: 200 });
  await app.client.until(id, 'running');
});

test('many teams are deployed and stopped at the same time', async () => {
  const teams = await Promise.all(Array.from({ length: 20 }, () => app.client.createTeam()));
  await Promise.all(teams.map(({ id }) => deploy(id)));
  await Promise.all(teams.map(({ id }) => app.client.until(id, 'running')));
  const stops = await Promise.all(teams.map(({ id }) => stop(id)));
  expect(stops.map(({ body }) => body.status)).toEqual(teams.map(() => 'stopped'));
  expect(await app.runtime.listAgents()).toEqual([]);
});
