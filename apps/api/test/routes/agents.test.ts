import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterEach(() => app.clear());
afterAll(() => app.close());

const unknownId = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';

describe('reading', () => {
  test('lists a team without agents as an empty array, others in the order of creation', async () => {
    const { id } = await app.client.createTeam({ agents: [] });
    expect((await app.client.get(`/api/teams/${id}/agents`)).text).toBe('[]');
    for (const name of ['z', 'a', 'm']) await app.client.post(`/api/teams/${id}/agents`, { name });
    const { body } = await app.client.get(`/api/teams/${id}/agents`);
    expect(body.map((agent: { name: string }) => agent.name)).toEqual(['z', 'a', 'm']);
    expect((await app.client.get(`/api/teams/${id}/agents/${body[1].id}`)).body).toEqual(body[1]);
  });

  test('unknown teams and agents are 404, also an agent of another team', async () => {
    const one = await app.client.createTeam();
    const other = await app.client.createTeam();
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const options = method === 'PUT' ? { body: {} } : {};
      for (const id of [unknownId, 'no-uuid', other.agents[0].id]) {
        const answer = await app.client.send(method, `/api/teams/${one.id}/agents/${id}`, options);
        expectError(answer, 404, 'AGENT_NOT_FOUND', 'agent not found');
      }
      const answer = await app.client.send(method, `/api/teams/x/agents/${one.agents[0].id}`, options);
      expectError(answer, 404, 'TEAM_NOT_FOUND', 'team not found');
    }
    expectError(await app.client.get(`/api/teams/${unknownId}/agents`), 404, 'TEAM_NOT_FOUND');
    expectError(await app.client.post(`/api/teams/${unknownId}/agents`, { name: 'x' }), 404, 'TEAM_NOT_FOUND');
    expect((await app.client.get(`/api/teams/${other.id}/agents`)).body).toEqual(other.agents);
  });
});

describe('adding', () => {
  test('answers 201 with the agent, which the team then has', async () => {
    const team = await app.client.createTeam();
    const { status, body } = await app.client.post(`/api/teams/${team.id}/agents`, { name: 'New', specialty: 'tests' });
    expect({ status, body }).toMatchObject({
      status: 201,
      body: {
        name: 'New',
        role: 'worker',
        specialty: 'tests',
        sub_agent_model: 'inherit',
        container_status: 'stopped',
      },
    });
    expect((await app.client.get(`/api/teams/${team.id}`)).body.agents).toEqual([...team.agents, body]);
  });

  test.each([
    [{}, 'name is required'],
    [{ name: '' }, 'name is required'],
    [{ name: '   ' }, 'name is required'],
    [{ name: null }, 'name is required'],
    [{ name: 'a b' }, 'name must start'],
    [{ name: 'x', role: 'boss' }, 'role must be one of leader, worker'],
    [{ name: 'x', sub_agent_model: 'gpt-5' }, 'sub_agent_model'],
    [{ name: 'x', sub_agent_description: 'x'.repeat(2049) }, 'sub_agent_description'],
    [{ name: 'x', instructions_md: 'x'.repeat(102_401) }, 'instructions_md'],
    [{ name: 'x', sub_agent_skills: [{}] }, 'sub_agent_skills'],
  ])('refuses %o', async (agent, rule) => {
    const { id, agents } = await app.client.createTeam();
    expectError(await app.client.post(`/api/teams/${id}/agents`, agent), 400, 'INVALID_REQUEST', rule);
    expect((await app.client.get(`/api/teams/${id}/agents`)).body).toEqual(agents);
  });

  test('refuses a name that the team has, whatever its case', async () => {
    const { id } = await app.client.createTeam({ agents: [{ name: 'Lead', role: 'leader' }] });
    for (const name of ['Lead', 'lead', 'LEAD']) {
      expectError(await app.client.post(`/api/teams/${id}/agents`, { name }), 409, 'AGENT_NAME_TAKEN');
    }
    const other = await app.client.createTeam({ agents: [] });
    expect(await app.client.post(`/api/teams/${other.id}/agents`, { name: 'Lead' })).toMatchObject({ status: 201 });
  });

  test('holds the agent to the model provider of its team', async () => {
    const { id } = await app.client.createTeam({ provider: 'opencode', model_provider: 'openai', agents: [] });
    const add = (name: string, sub_agent_model: string) =>
      app.client.post(`/api/teams/${id}/agents`, { name, sub_agent_model });
    expectError(await add('a', 'sonnet'), 400, 'INVALID_REQUEST', 'sub_agent_model');
    expectError(await add('a', 'google/gemini'), 400, 'INVALID_REQUEST', 'sub_agent_model');
    expect(await add('a', 'openai/gpt-5')).toMatchObject({ status: 201 });
    expect(await add('b', 'inherit')).toMatchObject({ status: 201 });
  });

  test('to a running team waits for the next deploy', async () => {
    const { id } = await app.client.createRunningTeam();
    const { body } = await app.client.post(`/api/teams/${id}/agents`, { name: 'New' });
    await app.crew.reconciler.pass();
    const path = `/api/teams/${id}/agents/${body.id}`;
    expect((await app.client.get(path)).body).toMatchObject({ container_status: 'stopped', container_id: '' });
    expect((await app.client.get(`/api/teams/${id}`)).body).toMatchObject({ status: 'running', status_message: '' });
    await app.client.post(`/api/teams/${id}/stop`);
    await app.client.post(`/api/teams/${id}/deploy`);
    await app.client.until(id, 'running');
    expect((await app.client.get(path)).body).toMatchObject({ container_status: 'running' });
  });
});

describe('changing', () => {
  test('touches only the fields that are there', async () => {
    const { id, agents } = await app.client.createTeam();
    const path = `/api/teams/${id}/agents/${agents[0].id}`;
    const { status, body } = await app.client.put(path, { specialty: 'new', permissions: { allowed_tools: [] } });
    const expected = {
      ...agents[0],
      specialty: 'new',
      permissions: { allowed_tools: [] },
      updated_at: expect.any(String),
    };
    expect({ status, body }).toEqual({ status: 200, body: expected });
    expect((await app.client.put(path, { specialty: null, permissions: null })).body).toEqual(expected);
    expect((await app.client.put(path, { specialty: '', skills: [] })).body).toMatchObject({
      specialty: '',
      skills: [],
    });
  });

  test('renames, but not to a name of another agent; resources keep their name', async () => {
    const { id, agents } = await app.client.createTeam({ agents: [{ name: 'a' }, { name: 'b' }] });
    const path = `/api/teams/${id}/agents/${agents[0].id}`;
    expectError(await app.client.put(path, { name: 'B' }), 409, 'AGENT_NAME_TAKEN');
    expectError(await app.client.put(path, { name: ' ' }), 400, 'INVALID_REQUEST', 'name is required');
    expect((await app.client.put(path, { name: 'A' })).body).toMatchObject({ name: 'A', slug: 'a' });
    expect((await app.client.put(path, { name: 'c' })).body).toMatchObject({ name: 'c', slug: 'a' });
    const again = await app.client.post(`/api/teams/${id}/agents`, { name: 'a' });
    expect(again.status).toBe(201);
    expect(again.body.slug).not.toBe('a');
  });

  test.each([
    [{ role: 'boss' }, 'role'],
    [{ sub_agent_model: 'gpt-5' }, 'sub_agent_model'],
    [{ sub_agent_description: 'x'.repeat(2049) }, 'sub_agent_description'],
    [{ resources: { memory: '5' } }, 'resources.memory'],
    [{ resources: { memory: '5m' } }, 'resources.memory'],
    [{ resources: { memory: '1025g' } }, 'resources.memory'],
    [{ resources: { cpu: '0.001' } }, 'resources.cpu'],
    [{ resources: { cpu: '2 cores' } }, 'resources.cpu'],
    [{ resources: { cpu: -1 } }, 'resources.cpu'],
    [{ resources: { timeout_seconds: 0 } }, 'resources.timeout_seconds'],
  ])('refuses %o', async (patch, field) => {
    const { id, agents } = await app.client.createTeam();
    expectError(await app.client.put(`/api/teams/${id}/agents/${agents[0].id}`, patch), 400, 'INVALID_REQUEST', field);
    expect((await app.client.get(`/api/teams/${id}/agents`)).body).toEqual(agents);
  });

  test('takes the old name of the instructions', async () => {
    const { id, agents } = await app.client.createTeam();
    const { body } = await app.client.put(`/api/teams/${id}/agents/${agents[0].id}`, { claude_md: 'old' });
    expect(body).toMatchObject({ instructions_md: 'old' });
  });
});

describe('deleting', () => {
  test('removes the agent and nothing else', async () => {
    const { id, agents } = await app.client.createTeam();
    expect(await app.client.delete(`/api/teams/${id}/agents/${agents[0].id}`)).toMatchObject({ status: 204, text: '' });
    expect((await app.client.get(`/api/teams/${id}/agents`)).body).toEqual([agents[1]]);
    expectError(await app.client.delete(`/api/teams/${id}/agents/${agents[0].id}`), 404, 'AGENT_NOT_FOUND');
  });

  test('is refused while the team is being deployed', async () => {
    const { id, agents } = await app.client.createTeam();
    app.db.teams.setStatus(id, 'deploying', '');
    expectError(await app.client.delete(`/api/teams/${id}/agents/${agents[0].id}`), 409, 'TEAM_DEPLOYING');
    app.db.teams.setStatus(id, 'stopped', '');
    expect(await app.client.delete(`/api/teams/${id}/agents/${agents[0].id}`)).toMatchObject({ status: 204 });
  });

  test('is refused while the agent runs', async () => {
    const { id, agents } = await app.client.createRunningTeam();
    for (const agent of agents) {
      expectError(await app.client.delete(`/api/teams/${id}/agents/${agent.id}`), 409, 'AGENT_RUNNING');
    }
    await app.client.post(`/api/teams/${id}/stop`);
    expect(await app.client.delete(`/api/teams/${id}/agents/${agents[1].id}`)).toMatchObject({ status: 204 });
  });
});
