import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newTeam } from '../support/client.ts';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterEach(() => app.clear());
afterAll(() => app.close());

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/;
const unknownId = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';
const noUsage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cost_usd: 0,
  turns: 0,
};

describe('creating', () => {
  test('with nothing but a name gives every field its default', async () => {
    const { status, body } = await app.client.post('/api/teams', { name: 'alpha' });
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        id: expect.stringMatching(uuid),
        org_id: '00000000-0000-0000-0000-000000000000',
        name: 'alpha',
        slug: 'alpha',
        description: '',
        status: 'stopped',
        status_message: '',
        runtime: 'docker',
        provider: 'claude',
        model_provider: '',
        workspace_path: '',
        agent_image: '',
        mcp_servers: null,
        mcp_statuses: null,
        budget: null,
        usage: noUsage,
        created_at: expect.stringMatching(time),
        updated_at: expect.stringMatching(time),
        agents: [],
      },
    });
  });

  test('keeps the agents in the order of the request, with their defaults', async () => {
    const agents = [{ name: 'Zed' }, { name: 'Amy', role: 'leader' }, { name: 'bob' }];
    const { body } = await app.client.post('/api/teams', { name: 'alpha', agents });
    expect(body.agents.map(({ name, role }: { name: string; role: string }) => [name, role])).toEqual([
      ['Zed', 'worker'],
      ['Amy', 'leader'],
      ['bob', 'worker'],
    ]);
    expect(body.agents[0]).toEqual({
      id: expect.stringMatching(uuid),
      org_id: body.org_id,
      team_id: body.id,
      name: 'Zed',
      slug: 'Zed',
      role: 'worker',
      specialty: '',
      system_prompt: '',
      instructions_md: '',
      skills: null,
      permissions: null,
      resources: null,
      container_id: '',
      container_status: 'stopped',
      sub_agent_description: '',
      sub_agent_instructions: '',
      sub_agent_model: 'inherit',
      sub_agent_skills: null,
      skill_statuses: null,
      mcp_servers: null,
      budget: null,
      usage: noUsage,
      created_at: expect.stringMatching(time),
      updated_at: expect.stringMatching(time),
    });
  });

  test('stores all that is given, and gives it back as it was', async () => {
    const agent = {
      name: 'Lead',
      role: 'leader',
      specialty: 'planning',
      system_prompt: 'Plan.',
      instructions_md: '# Lead\n',
      skills: ['a', { b: 1 }],
      permissions: { allowed_tools: ['Read'], denied_commands: ['rm *'], filesystem_scope: '/workspace' },
      resources: { cpu: '0.5', memory: '512m', timeout_seconds: 60 },
      budget: { usd: 0.5, tokens: 1000 },
      sub_agent_description: 'leads',
      sub_agent_instructions: 'Lead on.',
      sub_agent_model: 'opus',
      sub_agent_skills: [{ repo_url: 'https://github.com/o/r', skill_name: 's' }],
    };
    const team = {
      name: 'alpha',
      description: 'Größe – 大きさ',
      runtime: 'kubernetes',
      agent_image: 'ghcr.io/acme/agent:1',
      mcp_servers: [
        { name: 'files', transport: 'stdio', command: 'npx', args: ['-y', 'server'] },
        { name: 'web', transport: 'http', url: 'https://mcp.example/x?y=z' },
      ],
    };
    const created = (await app.client.post('/api/teams', { ...team, agents: [agent] })).body;
    expect(created).toMatchObject(team);
    expect(created.agents[0]).toMatchObject(agent);
    expect((await app.client.get(`/api/teams/${created.id}`)).body).toEqual(created);
    expect((await app.client.get('/api/teams')).body).toEqual([created]);
  });

  test('takes the old name of the instructions when the new one is empty', async () => {
    const { body } = await app.client.post('/api/teams', {
      name: 'alpha',
      agents: [
        { name: 'a', claude_md: 'old' },
        { name: 'b', claude_md: 'old', instructions_md: '' },
        { name: 'c', claude_md: 'old', instructions_md: 'new' },
      ],
    });
    expect(body.agents.map((agent: Record<string, unknown>) => agent.instructions_md)).toEqual(['old', 'old', 'new']);
    expect(body.agents[0]).not.toHaveProperty('claude_md');
  });

  test('never shows the token of the bus', async () => {
    const { text } = await app.client.post('/api/teams', newTeam());
    expect(text).not.toContain('nats');
  });
});

describe('names', () => {
  test.each(['a', 'A1', '0', 'with-dash_and_line', 'x'.repeat(64)])('%s is one', async (name) => {
    expect(await app.client.post('/api/teams', { name, agents: [{ name }] })).toMatchObject({
      status: 201,
      body: { name, agents: [{ name }] },
    });
  });

  test.each([
    ['', 'name is required'],
    ['  \t', 'name is required'],
    ['My Team', 'must start with a letter or digit'],
    ['-x', 'must start with a letter or digit'],
    ['_x', 'must start with a letter or digit'],
    ['x'.repeat(65), 'must start with a letter or digit'],
    ['tëam', 'must start with a letter or digit'],
    ['a/b', 'must start with a letter or digit'],
    ['../x', 'must start with a letter or digit'],
    ['a.b', 'must start with a letter or digit'],
    ['a\n', 'must start with a letter or digit'],
  ])('%j is none', async (name, rule) => {
    expectError(await app.client.post('/api/teams', { name }), 400, 'INVALID_REQUEST', rule);
    expectError(
      await app.client.post('/api/teams', { name: 'x', agents: [{ name }] }),
      400,
      'INVALID_REQUEST',
      /agents\[0\]\.name (is required|must start)/,
    );
    expect((await app.client.get('/api/teams')).body).toEqual([]);
  });

  test('of two teams differ; a name is taken until its team is deleted', async () => {
    const { id } = await app.client.createTeam({ name: 'alpha' });
    expectError(
      await app.client.post('/api/teams', { name: 'alpha' }),
      409,
      'TEAM_NAME_TAKEN',
      'team name already exists',
    );
    expect((await app.client.get('/api/teams')).body).toHaveLength(1);
    await app.client.delete(`/api/teams/${id}`);
    await app.client.createTeam({ name: 'alpha' });
  });

  test('that differ in their case alone get resources of their own', async () => {
    const teams = await Promise.all(['Alpha', 'alpha', 'ALPHA'].map((name) => app.client.createTeam({ name })));
    const slugs = teams.map(({ slug }) => slug.toLowerCase());
    expect(new Set(slugs).size).toBe(3);
  });

  test.each(['user', 'system', 'nats', 'Nats'])('of agents may have a meaning on the bus: %s', async (name) => {
    const { agents } = await app.client.createTeam({ agents: [{ name, role: 'leader' }] });
    expect(agents[0].name).toBe(name);
    expect(['user', 'system', 'nats']).not.toContain(agents[0].slug.toLowerCase());
  });

  test.each([
    ['twin', 'twin'],
    ['Twin', 'tWIN'],
  ])('of two agents in one request differ, whatever their case: %s, %s', async (one, two) => {
    const agents = [{ name: one }, { name: 'other' }, { name: two }];
    expectError(await app.client.post('/api/teams', { name: 'alpha', agents }), 409, 'AGENT_NAME_TAKEN');
    expect((await app.client.get('/api/teams')).body).toEqual([]);
  });
});

describe('rules of single fields', () => {
  const claude = (fields: object) => ({ name: 'alpha', ...fields });
  const server = (fields: object) =>
    claude({ mcp_servers: [{ name: 'x', transport: 'stdio', command: 'c', ...fields }] });
  const agent = (fields: object) => claude({ agents: [{ name: 'a', ...fields }] });
  const opencode = (fields: object) => claude({ provider: 'opencode', ...fields });

  test.each([
    ['provider must be claude or opencode', claude({ provider: 'other' })],
    ['model_provider', opencode({ model_provider: 'acme' })],
    ['agent_image', claude({ agent_image: 'noslash' })],
    ['agent_image', claude({ agent_image: 'a/b c' })],
    ['agent_image', claude({ agent_image: 'a/$(id)' })],
    ['agent_image', claude({ agent_image: 'a/ü' })],
    ['agent_image', claude({ agent_image: `a/${'x'.repeat(511)}` })],
    ['mcp_servers[0].name', server({ name: '' })],
    ['mcp_servers[0].name', server({ name: 'a b' })],
    ['mcp_servers[0].name', server({ name: 'x'.repeat(65) })],
    ['mcp_servers[0].transport', server({ transport: 'carrier-pigeon' })],
    ['mcp_servers[0].command', server({ command: undefined })],
    ['mcp_servers[0].command', server({ command: 'a; b' })],
    ['mcp_servers[0].args[1]', server({ args: ['ok', '`id`'] })],
    ['mcp_servers[0].url', server({ transport: 'http' })],
    ['mcp_servers[0].url', server({ transport: 'http', url: 'ftp://x' })],
    ['mcp_servers[0].url', server({ transport: 'sse', url: 'javascript:alert(1)' })],
    ['mcp_servers[0].env', server({ env: { A: 1 } })],
    [
      'mcp_servers',
      claude({
        mcp_servers: Array.from({ length: 51 }, (_, i) => ({ name: `s${i}`, transport: 'stdio', command: 'c' })),
      }),
    ],
    [
      'mcp_servers[1].name',
      claude({ mcp_servers: ['one', 'ONE'].map((name) => ({ name, transport: 'stdio', command: 'c' })) }),
    ],
    ['workspace_path', claude({ workspace_path: '/tmp' })],
    ['agents[0].role', agent({ role: 'king' })],
    ['agents[0].sub_agent_model', agent({ sub_agent_model: 'gpt-5' })],
    [
      'agents[0].sub_agent_model',
      opencode({ model_provider: 'openai', agents: [{ name: 'a', sub_agent_model: 'sonnet' }] }),
    ],
    [
      'agents[0].sub_agent_model',
      opencode({ model_provider: 'openai', agents: [{ name: 'a', sub_agent_model: 'google/x' }] }),
    ],
    ['agents[0].sub_agent_description', agent({ sub_agent_description: 'ü'.repeat(1025) })],
    ['agents[0].sub_agent_instructions', agent({ sub_agent_instructions: 'x'.repeat(102_401) })],
    ['agents[0].instructions_md', agent({ instructions_md: 'x'.repeat(102_401) })],
    ['agents[0].resources.memory', agent({ resources: { memory: 'lots' } })],
    ['agents[0].budget.usd', agent({ budget: { usd: -1 } })],
    ['agents[0].budget.turns', agent({ budget: { turns: 1.5 } })],
    ['agents[0].budget has no field dollars', agent({ budget: { dollars: 5 } })],
    ['agents[0].permissions has no field alowed_commands', agent({ permissions: { alowed_commands: ['ls'] } })],
    ['budget has no field dollars', claude({ budget: { usd: 5, dollars: 5 } })],
    ['agents[0].resources.cpu', agent({ resources: { cpu: '-1' } })],
    ['agents[0].resources.timeout_seconds', agent({ resources: { timeout_seconds: 0 } })],
    ['agents[0].permissions.allowed_tools', agent({ permissions: { allowed_tools: 'Bash' } })],
    ['agents[0].sub_agent_skills', agent({ sub_agent_skills: 'x' })],
    ['agents[0].sub_agent_skills', agent({ sub_agent_skills: [{ repo_url: 'http://x/y', skill_name: 's' }] })],
    ['agents[0].sub_agent_skills', agent({ sub_agent_skills: [{ repo_url: 'https://x/y', skill_name: 's p' }] })],
    ['agents[0].sub_agent_skills', agent({ sub_agent_skills: [{ repo_url: 'https://x/y' }] })],
    ['agents[0].sub_agent_skills', agent({ sub_agent_skills: ['$(id)'] })],
  ])('%s is named when it is broken', async (field, body) => {
    const answer = await app.client.post('/api/teams', body);
    expectError(answer, 400, 'INVALID_REQUEST', field);
    expect((await app.client.get('/api/teams')).body).toEqual([]);
  });

  test.each([
    ['an empty image', claude({ agent_image: '' })],
    [
      'a model of the provider',
      opencode({ model_provider: 'openai', agents: [{ name: 'a', sub_agent_model: 'openai/gpt-5' }] }),
    ],
    [
      'a model that inherits',
      opencode({ model_provider: 'ollama', agents: [{ name: 'a', sub_agent_model: 'inherit' }] }),
    ],
    ['an empty model', agent({ sub_agent_model: '' })],
    ['skills in the older form', agent({ sub_agent_skills: ['plain', 'owner/repo:skill', 'https://h/o/r:s'] })],
    ['no skills', agent({ sub_agent_skills: [] })],
    [
      'texts as long as they may be',
      agent({ sub_agent_description: 'x'.repeat(2048), instructions_md: 'x'.repeat(102_400) }),
    ],
    ['a number of cores', agent({ resources: { cpu: 2 } })],
    ['no permissions at all', agent({ permissions: {} })],
  ])('%s is fine', async (_what, body) => {
    expect(await app.client.post('/api/teams', body)).toMatchObject({ status: 201 });
  });

  test('a model provider says nothing about a Claude team', async () => {
    const { body } = await app.client.post('/api/teams', claude({ model_provider: 'openai' }));
    expect(body).toMatchObject({ provider: 'claude', model_provider: '' });
  });
});

describe('reading', () => {
  test('lists none as an empty array, then all in the order of creation', async () => {
    expect((await app.client.get('/api/teams')).text).toBe('[]');
    for (const name of ['zeta', 'alpha', 'mid']) await app.client.createTeam({ name });
    const { body } = await app.client.get('/api/teams');
    expect(body.map((team: { name: string }) => team.name)).toEqual(['zeta', 'alpha', 'mid']);
    expect(body[0].agents).toHaveLength(2);
  });

  test.each(['GET', 'PUT', 'DELETE'])('%s of an unknown team is 404', async (method) => {
    for (const id of [unknownId, 'no-uuid', '0', '%00', '..%2f..%2fetc', 'null']) {
      const options = method === 'PUT' ? { body: {} } : {};
      expectError(await app.client.send(method, `/api/teams/${id}`, options), 404, 'TEAM_NOT_FOUND', 'team not found');
    }
  });
});

describe('changing', () => {
  test('touches only the fields that are there', async () => {
    const team = await app.client.createTeam({ description: 'before', agent_image: 'a/b' });
    const { status, body } = await app.client.put(`/api/teams/${team.id}`, { description: 'after' });
    expect(status).toBe(200);
    expect(body).toEqual({ ...team, description: 'after', updated_at: expect.stringMatching(time) });
    expect((await app.client.put(`/api/teams/${team.id}`, {})).body).toMatchObject({ description: 'after' });
    expect((await app.client.get(`/api/teams/${team.id}`)).body).toMatchObject({ description: 'after' });
  });

  test('empties a field with an empty text, and a list with an empty one', async () => {
    const mcp_servers = [{ name: 's', transport: 'stdio', command: 'c' }];
    const { id } = await app.client.createTeam({ description: 'before', agent_image: 'a/b', mcp_servers });
    expect((await app.client.put(`/api/teams/${id}`, { mcp_servers: null })).body).toMatchObject({ mcp_servers });
    const { body } = await app.client.put(`/api/teams/${id}`, { description: '', agent_image: '', mcp_servers: [] });
    expect(body).toMatchObject({ description: '', agent_image: '', mcp_servers: [] });
  });

  test('renames, but not to a name that is taken; resources keep their name', async () => {
    const { id, name } = await app.client.createTeam({ name: 'alpha' });
    await app.client.createTeam({ name: 'beta' });
    expectError(
      await app.client.put(`/api/teams/${id}`, { name: 'beta' }),
      409,
      'TEAM_NAME_TAKEN',
      'team name already exists',
    );
    expectError(await app.client.put(`/api/teams/${id}`, { name: 'a b' }), 400, 'INVALID_REQUEST', 'name must');
    expect((await app.client.get(`/api/teams/${id}`)).body).toMatchObject({ name });
    expect((await app.client.put(`/api/teams/${id}`, { name })).body).toMatchObject({ name });
    expect((await app.client.put(`/api/teams/${id}`, { name: 'gamma' })).body).toMatchObject({
      name: 'gamma',
      slug: 'alpha',
    });
    await app.client.createTeam({ name: 'alpha' });
  });

  test('another model provider makes the agents inherit again', async () => {
    const { id } = await app.client.createTeam({
      provider: 'opencode',
      model_provider: 'openai',
      agents: [{ name: 'a', role: 'leader', sub_agent_model: 'openai/gpt-5' }],
    });
    const same = await app.client.put(`/api/teams/${id}`, { model_provider: 'openai' });
    expect(same.body.agents[0].sub_agent_model).toBe('openai/gpt-5');
    expectError(
      await app.client.put(`/api/teams/${id}`, { model_provider: 'acme' }),
      400,
      'INVALID_REQUEST',
      'model_provider',
    );
    const other = await app.client.put(`/api/teams/${id}`, { model_provider: 'google' });
    expect(other.body).toMatchObject({ model_provider: 'google', agents: [{ sub_agent_model: 'inherit' }] });
    const claude = await app.client.put(`/api/teams/${id}`, { provider: 'claude' });
    expect(claude.body).toMatchObject({ provider: 'claude', model_provider: '' });
  });

  test('is possible while the team runs', async () => {
    const { id } = await app.client.createRunningTeam();
    const { body } = await app.client.put(`/api/teams/${id}`, { description: 'new' });
    expect(body).toMatchObject({ description: 'new', status: 'running' });
  });
});

describe('deleting', () => {
  test('removes the team with its agents and messages', async () => {
    const { id, agents } = await app.client.createRunningTeam();
    await app.client.post(`/api/teams/${id}/chat`, { message: 'hello' });
    await app.client.post(`/api/teams/${id}/stop`);
    expect(await app.client.delete(`/api/teams/${id}`)).toMatchObject({ status: 204, text: '' });
    for (const path of ['', '/agents', `/agents/${agents[0].id}`, '/messages', '/activity']) {
      expectError(await app.client.get(`/api/teams/${id}${path}`), 404, 'TEAM_NOT_FOUND');
    }
    expectError(await app.client.delete(`/api/teams/${id}`), 404, 'TEAM_NOT_FOUND');
    expect((await app.client.get('/api/teams')).body).toEqual([]);
  });

  test('is refused while the team runs or is deployed', async () => {
    const running = await app.client.createRunningTeam();
    expectError(
      await app.client.delete(`/api/teams/${running.id}`),
      409,
      'TEAM_NOT_STOPPED',
      'stop the team before deleting',
    );
    const { id } = await app.client.createTeam();
    app.runtime.hangNext('deployAgent');
    await app.client.post(`/api/teams/${id}/deploy`);
    expectError(await app.client.delete(`/api/teams/${id}`), 409, 'TEAM_NOT_STOPPED', 'stop the team before deleting');
  });
});

describe('a workspace of the host', () => {
  test('must lie under a root, links resolved', async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, 'root');
    mkdirSync(join(root, 'mine'), { recursive: true });
    mkdirSync(join(folder.path, 'other'));
    mkdirSync(join(folder.path, 'root-2'));
    symlinkSync(join(folder.path, 'other'), join(root, 'link'));
    await using rooted = await startTestApp({ workspaceRoots: [root, join(folder.path, 'absent')] });
    for (const path of ['other', 'root/link', 'root/../other', 'root-2', 'root/absent', '.']) {
      const workspace_path = `${folder.path}/${path}`;
      expectError(
        await rooted.client.post('/api/teams', { name: 'x', workspace_path }),
        400,
        'INVALID_REQUEST',
        'workspace_path',
      );
    }
    expectError(
      await rooted.client.post('/api/teams', { name: 'x', workspace_path: 'root/mine' }),
      400,
      'INVALID_REQUEST',
    );
    const { status, body } = await rooted.client.post('/api/teams', { name: 'x', workspace_path: join(root, 'mine') });
    expect({ status, path: body.workspace_path }).toEqual({ status: 201, path: join(root, 'mine') });
    const change = { workspace_path: join(folder.path, 'other') };
    expectError(await rooted.client.put(`/api/teams/${body.id}`, change), 400, 'INVALID_REQUEST', 'workspace_path');
  });

  test('is refused on Kubernetes, also for a team that has it from another runtime', async () => {
    await using folder = await temporaryFolder();
    const workspace_path = folder.path;
    await using cluster = await startTestApp({ workspaceRoots: [folder.path], runtimeName: 'kubernetes' });
    const rule = 'on Kubernetes the workspace is a volume';
    const refused = await cluster.client.post('/api/teams', { ...newTeam(), workspace_path });
    expectError(refused, 400, 'INVALID_REQUEST', rule);
    const { id } = await cluster.client.createTeam();
    const path = `/api/teams/${id}`;
    expectError(await cluster.client.put(path, { workspace_path }), 400, 'INVALID_REQUEST', rule);
    cluster.db.teams.update(id, { workspace_path });
    await cluster.client.post(`${path}/deploy`);
    expect((await cluster.client.until(id, 'error')).status_message).toContain(rule);
    expect(await cluster.client.put(path, { workspace_path: '' })).toMatchObject({ status: 200 });
  });
});
